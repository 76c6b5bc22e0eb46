{{- define "dart.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 48 | trimSuffix "-" -}}
{{- end -}}

{{/* The release's name, with the chart's unless it is in it already; 48 characters, so that a Job's hash still fits. */}}
{{- define "dart.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 48 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "dart.name" . -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 48 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "dart.selectorLabels" -}}
app.kubernetes.io/name: {{ include "dart.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "dart.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "dart.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "dart.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "dart.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "dart.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What can be seen to be wrong before anything is installed. `dart validate` sees the rest. */}}
{{- define "dart.check" -}}
{{- if not (trim .Values.declaration) -}}
{{- fail "There is no declaration. Give one: --set-file declaration=FILE." -}}
{{- end -}}
{{- range $number, $text := regexSplit "(?m)^---[ \t]*$" .Values.declaration -1 -}}
{{- $document := fromYaml $text -}}
{{- with $document.Error -}}
{{- fail (printf "The declaration is not YAML (document %d): %s" $number .) -}}
{{- end -}}
{{- with $document -}}
{{- if ne (toString .kind) "Synthesis" -}}
{{- fail (printf "The declaration's document %d is of kind %s: dart run does Synthesis only." $number (toString .kind)) -}}
{{- end -}}
{{- $uri := dig "spec" "output" "uri" "" . | toString -}}
{{- if not (or (hasPrefix "s3://" $uri) $.Values.persistence.enabled $.Values.volumes) -}}
{{- fail (printf "The output of %s, '%s', would go with the pod. Use an s3:// output, or set persistence.enabled=true." (dig "metadata" "name" "?" . | toString) $uri) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A Job can't be changed, so a change makes one of another name; what both write to knows how to share it. */}}
{{- define "dart.jobName" -}}
{{- printf "%s-%s" (include "dart.fullname" .) (printf "%s %s" (toJson (omit .Values "global")) .Chart.Version | sha256sum | trunc 8) -}}
{{- end -}}
