{{/* Of every pod of the chart: nothing that the level "restricted" of Pod Security would refuse. */}}
{{- define "dart.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "dart.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{/* Hosts that are reached without the proxy. The address of the API server is put in by the kubelet, so in the operator alone. */}}
{{- define "dart.noProxy" -}}
{{- $domain := .Values.pods.clusterDomain -}}
{{- list "localhost" "127.0.0.1" ".svc" (printf ".%s" $domain) .Values.proxy.noProxy | compact | join "," -}}
{{- end -}}

{{/* Variables of all that reaches the store, but for credentials; as a mapping in YAML. */}}
{{- define "dart.storeEnv" -}}
{{- $env := dict -}}
{{- with include "dart.endpoint" . }}{{ $_ := set $env "AWS_ENDPOINT_URL_S3" . }}{{ end -}}
{{- with include "dart.region" . }}{{ $_ := set $env "AWS_REGION" . }}{{ end -}}
{{- with .Values.proxy -}}
{{- if .http }}{{ $_ := set $env "HTTP_PROXY" .http }}{{ $_ := set $env "http_proxy" .http }}{{ end -}}
{{- if .https }}{{ $_ := set $env "HTTPS_PROXY" .https }}{{ $_ := set $env "https_proxy" .https }}{{ end -}}
{{- if or .http .https }}{{ $_ := set $env "NO_PROXY" (include "dart.noProxy" $) }}{{ $_ := set $env "no_proxy" (include "dart.noProxy" $) }}{{ end -}}
{{- end -}}
{{- toYaml $env -}}
{{- end -}}

{{/* Where pods find the certificates that they trust. */}}
{{- define "dart.caEnv" -}}
{{- $file := printf "/etc/dart-ca/%s" .Values.caBundle.key -}}
{{- range list "AWS_CA_BUNDLE" "REQUESTS_CA_BUNDLE" "SSL_CERT_FILE" }}
- name: {{ . }}
  value: {{ $file }}
{{- end }}
{{- end -}}
