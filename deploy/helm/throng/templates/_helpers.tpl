{{- /* Names end where Kubernetes' do, with room for -controller-REVISION. */ -}}
{{- define "throng.name" -}}
{{- if contains "throng" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-throng" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* What leads the run: both kinds listen on the same ports. */ -}}
{{- define "throng.leader" -}}
{{- ternary "controller" "master" (eq .Values.kind "k6") -}}
{{- end -}}

{{- define "throng.labels" -}}
app.kubernetes.io/name: throng
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "throng.selector" -}}
app.kubernetes.io/name: throng
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "throng.image" -}}
{{- $own := ternary .Chart.AppVersion (printf "%s-python" .Chart.AppVersion) (eq .Values.kind "k6") -}}
{{- printf "%s:%s" .Values.image.repository (default $own .Values.image.tag) -}}
{{- end -}}

{{- define "throng.serviceAccount" -}}
{{- default (include "throng.name" .) .Values.serviceAccount.name -}}
{{- end -}}

{{- define "throng.tokenSecret" -}}
{{- default (printf "%s-token" (include "throng.name" .)) .Values.token.existingSecret -}}
{{- end -}}

{{- define "throng.configMap" -}}
{{- if .Values.test.configMap -}}
{{- .Values.test.configMap -}}
{{- else if .Values.test.files -}}
{{- printf "%s-test" (include "throng.name" .) -}}
{{- else -}}
{{- fail "there is no test: give it with --set-file 'test.files.NAME=FILE' (a dot in NAME is written \\.), or name a ConfigMap with test.configMap" -}}
{{- end -}}
{{- end -}}

{{- /* The file that is run. */ -}}
{{- define "throng.file" -}}
{{- if .Values.test.file -}}
{{- .Values.test.file -}}
{{- else if eq (len .Values.test.files) 1 -}}
{{- keys .Values.test.files | first -}}
{{- else if eq .Values.kind "k6" -}}
{{- fail "test.file has to name the script, as there is not exactly one in test.files" -}}
{{- end -}}
{{- end -}}

{{- /* What all pods have in common. */ -}}
{{- define "throng.pod" -}}
serviceAccountName: {{ include "throng.serviceAccount" . }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: test
    configMap:
      name: {{ include "throng.configMap" . }}
  - name: tmp
    emptyDir: {}
{{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "throng.container" -}}
image: {{ include "throng.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: test
    mountPath: /locust
    readOnly: true
  - name: tmp
    mountPath: /tmp
{{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Variables that controller and workers share; what is given as env comes last and wins. */ -}}
{{- define "throng.env" -}}
{{- if eq .Values.kind "k6" }}
- name: THRONG_TOKEN
  valueFrom:
    secretKeyRef:
      name: {{ include "throng.tokenSecret" . }}
      key: token
{{- end }}
{{- with .Values.target }}
- name: TARGET_HOST
  value: {{ . | quote }}
{{- end }}
{{- if eq .Values.kind "locust" }}
{{- with include "throng.file" . }}
- name: LOCUST_FILE
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- range $name, $value := .Values.env }}
- name: {{ $name | quote }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}
