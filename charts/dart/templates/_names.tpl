{{- define "dart.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 36 | trimSuffix "-" -}}
{{- end -}}

{{/* The release's name, with the chart's unless it is in it already; 36 characters, so that what follows still fits. */}}
{{- define "dart.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 36 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "dart.name" . -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 36 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "dart.operator" -}}{{ include "dart.fullname" . }}-operator{{- end -}}
{{- define "dart.objectStore" -}}{{ include "dart.fullname" . }}-object-store{{- end -}}
{{- define "dart.rehearsal" -}}{{ include "dart.fullname" . | trunc 30 | trimSuffix "-" }}-rehearsal{{- end -}}

{{- define "dart.serviceAccount" -}}
{{- default (ternary (include "dart.operator" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{/* Of what selects pods: never changes. Give a dict of root and component. */}}
{{- define "dart.selector" -}}
app.kubernetes.io/name: {{ include "dart.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Of every object. Give a dict of root and component. */}}
{{- define "dart.labels" -}}
{{ include "dart.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: dart
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* An image's reference. Give a dict of root and image (its name in `images`). */}}
{{- define "dart.image" -}}
{{- $image := index .root.Values.images .image -}}
{{- $registry := coalesce $image.registry .root.Values.image.registry (ternary "docker.io" "" (eq .image "objectStore")) -}}
{{- with $registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{ $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}
{{- else }}:{{ coalesce $image.tag .root.Values.image.tag .root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "dart.pullSecrets" -}}
{{- with .Values.image.pullSecrets -}}
imagePullSecrets:
{{- range . }}
- name: {{ . }}
{{- end -}}
{{- end -}}
{{- end -}}
