{{/* What follows from objectStore, whether the user's own or the embedded one. */}}
{{- define "dart.endpoint" -}}
{{- if .Values.objectStore.embedded.enabled -}}
http://{{ include "dart.objectStore" . }}.{{ .Release.Namespace }}.svc.{{ .Values.pods.clusterDomain }}:8333
{{- else -}}
{{- .Values.objectStore.endpoint -}}
{{- end -}}
{{- end -}}

{{- define "dart.region" -}}
{{- if .Values.objectStore.region -}}
{{- .Values.objectStore.region -}}
{{- else if include "dart.endpoint" . -}}
us-east-1
{{- end -}}
{{- end -}}

{{- define "dart.bucket" -}}
{{- ternary .Values.objectStore.embedded.bucket .Values.objectStore.bucket .Values.objectStore.embedded.enabled -}}
{{- end -}}

{{- define "dart.storeSecret" -}}
{{- if .Values.objectStore.secretName -}}
{{- .Values.objectStore.secretName -}}
{{- else if .Values.objectStore.embedded.enabled -}}
{{- include "dart.objectStore" . -}}
{{- end -}}
{{- end -}}

{{- define "dart.allowedOutputs" -}}
{{- if .Values.allowedOutputs -}}
{{- toYaml .Values.allowedOutputs -}}
{{- else if include "dart.bucket" . -}}
{{- dict "*" (list (printf "s3://%s/" (include "dart.bucket" .))) | toYaml -}}
{{- else -}}
{}
{{- end -}}
{{- end -}}

{{/* Port of the object store's URL; 443 where it says none. */}}
{{- define "dart.storePort" -}}
{{- $url := urlParse (default "https://aws" (include "dart.endpoint" .)) -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- default (ternary "80" "443" (eq $url.scheme "http")) $port -}}
{{- end -}}
