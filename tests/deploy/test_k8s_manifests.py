"""What `throng k8s manifests` prints, validated strictly: what it prints is what `throng k8s run` makes.

    ./x test deploy

Needs a throng that is built, in $THRONG, and from PyPI the schemas of Kubernetes; no cluster.
"""

import base64
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import kubernetes_validate
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))
import rendering

SCRIPT = "export const data = open('data.txt');\nexport default function () {}\n"
SETTINGS = """
image: registry.example/throng:1
imagePullSecrets: [registry]
imagePullPolicy: Always
workers: 5
env:
- name: API_KEY
  valueFrom: {secretKeyRef: {name: api, key: key}}
envFrom:
- secretRef: {name: more}
labels: {team: load}
annotations: {sidecar.istio.io/inject: "false"}
nodeSelector: {pool: load}
tolerations:
- {key: dedicated, operator: Equal, value: load, effect: NoSchedule}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 1
      podAffinityTerm: {topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: api}}}
spread: required
volumes:
- name: data
  persistentVolumeClaim: {claimName: data}
volumeMounts:
- {name: data, mountPath: /data, readOnly: true}
priorityClassName: low
controller:
  resources: {requests: {cpu: 250m, memory: 256Mi}, limits: {memory: 1Gi}}
worker:
  env:
  - {name: PART, value: worker}
  resources: {requests: {cpu: "1", memory: 512Mi}, limits: {memory: 1Gi}}
ttlSeconds: 60
graceSeconds: 90
"""
FLAGS = [
    "--image", "registry.example/throng:2", "--image-pull-secret", "registry", "--pod-env", "A=$(B) \"c\": d", "--pod-env", "HOME",
    "--pod-env-from", "secret/s", "--pod-env-from", "configmap/c", "--pod-label", "a=b", "--pod-annotation", "x/y=z: 1",
    "--node-selector", "disk=ssd", "--toleration", "spot:NoExecute", "--toleration", "gpu", "--spread", "none",
    "--requests", "cpu=2,memory=1Gi", "--limits", "cpu=2,memory=1Gi", "--controller-requests", "cpu=1,memory=1Gi",
    "--controller-limits", "memory=2Gi", "--volume", "configmap/c:/c", "--volume", "secret/s:/s", "--volume", "pvc/p:/p",
    "--volume", "emptydir:/e", "--priority-class", "high", "--ttl", "5m", "--grace-period", "2m", "--with-secrets",
    "--affinity", "{nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
    "[{matchExpressions: [{key: arch, operator: In, values: [amd64]}]}]}}}",
]  # fmt: skip
CASES = {
    "a script": ["load.js"],
    "a script with all flags": [*FLAGS, "load.js", "-u", "5", "-d", "1m", "--tag", "a=b"],
    "a script with settings": ["--settings", "settings.yaml", "load.js"],
    "files in a secret": ["--secret-files", "load.js"],
    "an account of one's own": ["--service-account", "loader", "load.js"],
    "a cluster that chooses users": ["--run-as-user", "0", "load.js"],
    "what is watched": ["load.js", "--watch", "hpa/api"],
    "a locustfile": ["locustfile.py", "--workers", "3", "-H", "http://api"],
    "a locustfile that ends": ["locustfile.py", "--requirements", "requirements.txt", "--headless", "-u", "5", "-t", "1m"],
}


def manifests(folder, arguments):
    """The documents, by kind; of one kind there may be several."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    command = [os.environ["THRONG"], "k8s", "manifests", "--name", "nightly", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{arguments}: {done.returncode} {done.stderr}")
    return list(yaml.safe_load_all(done.stdout))


class OfRuns(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        files = {
            "load.js": SCRIPT, "data.txt": "ünï: \"x\"\n", "settings.yaml": SETTINGS, "locustfile.py": "from locust import User\n",
            "requirements.txt": "pymongo\n", "pictures/a b.png": b"\x89PNG\xff",
        }  # fmt: skip
        for name, content in files.items():
            file = cls.folder / name
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def each(self):
        for name, arguments in CASES.items():
            with self.subTest(name):
                yield name, manifests(self.folder, arguments)

    def test_each_is_valid_by_the_schemas_with_no_unknown_field(self):
        for _, documents in self.each():
            self.assertGreaterEqual(len(documents), 5)
            for document in documents:
                with self.subTest(document["kind"]):
                    kubernetes_validate.validate(document, rendering.KUBERNETES, strict=True)

    def test_pods_are_restricted_and_what_they_point_to_is_there(self):
        for name, documents in self.each():
            made = {(document["kind"], document["metadata"]["name"]) for document in documents}
            theirs = {"s", "c", "api", "more", "data", "p"}
            for document in documents:
                spec = document.get("spec", {}).get("template", {}).get("spec")
                if not spec:
                    continue
                context, container = spec["securityContext"], spec["containers"][0]
                self.assertIs(context["runAsNonRoot"], True)
                self.assertEqual("runAsUser" in context, name != "a cluster that chooses users")
                self.assertEqual(context["seccompProfile"], {"type": "RuntimeDefault"})
                self.assertEqual(
                    container["securityContext"],
                    {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
                )
                account = spec.get("serviceAccountName", "loader")
                self.assertTrue(account == "loader" or ("ServiceAccount", account) in made)
                self.assertEqual({mount["name"] for mount in container["volumeMounts"]}, {v["name"] for v in spec["volumes"]})
                for volume in spec["volumes"]:
                    for part, kind, key in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
                        if part in volume and volume[part][key] not in theirs:
                            self.assertIn((kind, volume[part][key]), made)
                for variable in container["env"]:
                    secret = variable.get("valueFrom", {}).get("secretKeyRef", {}).get("name")
                    self.assertTrue(secret in {None, *theirs} or ("Secret", secret) in made, variable)

    def test_rights_are_the_least(self):
        for name, documents in self.each():
            rules = [rule for document in documents if document["kind"] == "Role" for rule in document["rules"]]
            verbs = {verb for rule in rules for verb in rule["verbs"]}
            if name == "an account of one's own":
                self.assertEqual(rules, [])
            elif name == "what is watched":
                self.assertLessEqual(verbs, {"get", "list", "watch", "patch"})
                self.assertEqual([rule["resources"] for rule in rules if "patch" in rule["verbs"]], [["deployments/scale"]])
            else:
                self.assertEqual(len(rules), 1)
                self.assertEqual(rules[0]["resourceNames"], ["throng-nightly-workers"])
                self.assertEqual(verbs, {"get", "patch"})
            self.assertFalse([document for document in documents if document["kind"].startswith("Cluster")])

    def test_files_arrive_as_they_are(self):
        documents = manifests(self.folder, CASES["a locustfile"])
        files = next(document for document in documents if document["kind"] == "ConfigMap")
        self.assertEqual(files["data"]["data.txt"], "ünï: \"x\"\n")
        self.assertEqual(base64.b64decode(files["binaryData"]["pictures_a_b.png"]), b"\x89PNG\xff")
        job = next(document for document in documents if document["kind"] == "Job")
        volume = next(v for v in job["spec"]["template"]["spec"]["volumes"] if v["name"] == "files")
        self.assertIn({"key": "pictures_a_b.png", "path": "pictures/a b.png"}, volume["configMap"]["items"])

    def test_a_dollar_is_what_was_written(self):
        """Kubernetes would replace `$(B)` in a value; two dollars are one to it."""
        documents = manifests(self.folder, CASES["a script with all flags"])
        job = next(document for document in documents if document["kind"] == "Job")
        environment = {entry["name"]: entry for entry in job["spec"]["template"]["spec"]["containers"][0]["env"]}
        self.assertEqual(environment["A"]["value"], "$$(B) \"c\": d")
        self.assertEqual(environment["HOME"]["valueFrom"]["secretKeyRef"]["name"], "throng-nightly-env")


if __name__ == "__main__":
    unittest.main(verbosity=2)
