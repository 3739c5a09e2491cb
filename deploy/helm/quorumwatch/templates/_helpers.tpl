{{- define "quorumwatch.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "quorumwatch.fullname" -}}
{{- $name := include "quorumwatch.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "quorumwatch.selectorLabels" -}}
app.kubernetes.io/name: {{ include "quorumwatch.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "quorumwatch.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "quorumwatch.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: monitoring
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "quorumwatch.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "quorumwatch.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "quorumwatch.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* [::] takes IPv4 too. */}}
{{- define "quorumwatch.listenAddress" -}}
{{- printf "%s:%d" (has "IPv6" .Values.ipFamilies | ternary "[::]" "0.0.0.0") (int .Values.port) -}}
{{- end -}}

{{/* As Prometheus writes the address of a Pod. */}}
{{- define "quorumwatch.instance" -}}
{{- printf (eq (first .Values.ipFamilies) "IPv6" | ternary "[$(QUORUMWATCH_POD_IP)]:%d" "$(QUORUMWATCH_POD_IP):%d") (int .Values.port) -}}
{{- end -}}

{{/* What the operator's PodMonitor makes of this Pod: where Prometheus evaluates the shipped rules too, both alerts are one. */}}
{{- define "quorumwatch.scrapeLabels" -}}
{{- dict "job" (include "quorumwatch.name" .) "namespace" .Release.Namespace "container" "quorumwatch" "endpoint" "http-metrics"
    "instance" "env:QUORUMWATCH_INSTANCE" "pod" "env:QUORUMWATCH_POD" "node" "env:QUORUMWATCH_NODE" | toYaml -}}
{{- end -}}

{{/* Whether some target is asked by one Pod at a time; then Pods look at each other's pages. */}}
{{- define "quorumwatch.placed" -}}
{{- range .Values.config.targets | default list -}}
{{- if eq (.placement | default "") "one_node" }}true{{ end -}}
{{- end -}}
{{- end -}}

{{/* What `config` says, and what the mesh, the placement and the rules add to it; where both say something, `config` wins. */}}
{{- define "quorumwatch.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $targets := $config.targets | default list -}}
{{- if .Values.mesh.enabled -}}
{{- $service := printf "_stamp._udp.%s.%s.svc.%s" (include "quorumwatch.fullname" .) .Release.Namespace .Values.mesh.clusterDomain -}}
{{- $mesh := dict "system" "nodes" "name" "mesh" "members" (list $service) -}}
{{- $targets = append $targets (mustMergeOverwrite $mesh (deepCopy .Values.mesh.target)) -}}
{{- $listen := list -}}
{{- range .Values.ipFamilies -}}
{{- $listen = append $listen (printf "%s:%d" (eq . "IPv6" | ternary "[::]" "0.0.0.0") (int $.Values.mesh.port)) -}}
{{- end -}}
{{- $_ := set $config "reflector" (mustMergeOverwrite (dict "listen" $listen) ($config.reflector | default dict)) -}}
{{- end -}}
{{- if include "quorumwatch.placed" . -}}
{{- $pages := printf "_http-metrics._tcp.%s.%s.svc.%s" (include "quorumwatch.fullname" .) .Release.Namespace .Values.mesh.clusterDomain -}}
{{- $_ := set $config "placement" (mustMergeOverwrite (dict "peers" (list $pages)) ($config.placement | default dict)) -}}
{{- end -}}
{{- if .Values.rules.enabled -}}
{{- $rules := dict "files" (list "/etc/quorumwatch/rules/*.rules.yml") -}}
{{- if and .Values.podMonitor.enabled .Values.prometheusRule.enabled -}}
{{- $_ := set $rules "scrape_labels" (include "quorumwatch.scrapeLabels" . | fromYaml) -}}
{{- end -}}
{{- $_ := set $config "rules" (mustMergeOverwrite $rules ($config.rules | default dict)) -}}
{{- end -}}
{{- $_ := set $config "targets" $targets -}}
{{- toYaml $config -}}
{{- end -}}

{{/* A shipped rule file, never a template itself. Call with (dict "root" $ "file" PATH). */}}
{{- define "quorumwatch.ruleFile" -}}
{{- $text := .root.Files.Get .file -}}
{{- with .root.Values.rules.runbookUrl -}}
{{- $text = replace "http://quorumwatch:10979/runbooks" (trimSuffix "/" .) $text -}}
{{- end -}}
{{- $text | trimSuffix "\n" -}}
{{- end -}}

{{/* "leadership" of files/rules/leadership.rules.yml, as a part of an object's name. */}}
{{- define "quorumwatch.stem" -}}
{{- base . | trimSuffix ".json" | trimSuffix ".rules.yml" | replace "_" "-" | lower -}}
{{- end -}}

{{- define "quorumwatch.probe" -}}
{{- $root := .root -}}
{{- if $root.Values.web.password -}}
tcpSocket: {port: http-metrics}
{{- else -}}
httpGet: {path: {{ .path }}, port: http-metrics, scheme: {{ $root.Values.web.scheme }}}
{{- end }}
{{ toYaml .times }}
{{- end -}}
