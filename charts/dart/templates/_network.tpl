{{/* Rules of what may be reached. Give a dict of root and ports: TCP ports wherever they are, within egressCidrs. */}}
{{- define "dart.egress" -}}
- ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
{{- with .ports }}
- ports:
  {{- range . | uniq }}
  - {protocol: TCP, port: {{ . }}}
  {{- end }}
  {{- with $.root.Values.networkPolicy.egressCidrs }}
  to:
  {{- range . }}
  - ipBlock: {cidr: {{ . | quote }}}
  {{- end }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The rule that leads to the embedded store; empty without one. */}}
{{- define "dart.egressToStore" -}}
{{- if .Values.objectStore.embedded.enabled -}}
- to:
  - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ .Release.Namespace }}}}
    podSelector:
      matchLabels: {{- include "dart.selector" (dict "root" . "component" "object-store") | nindent 8 }}
  ports: [{protocol: TCP, port: 8333}]
{{- end -}}
{{- end -}}

{{/* Ports of the user's own store and of the proxy, as a list in JSON. */}}
{{- define "dart.outsidePorts" -}}
{{- $ports := list -}}
{{- if not .Values.objectStore.embedded.enabled -}}
{{- $ports = append $ports (include "dart.storePort" . | int) -}}
{{- end -}}
{{- range list .Values.proxy.http .Values.proxy.https | compact -}}
{{- $ports = append $ports (regexFind ":[0-9]+$" (urlParse .).host | trimPrefix ":" | default "80" | int) -}}
{{- end -}}
{{- toJson $ports -}}
{{- end -}}
