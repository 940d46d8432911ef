"""The manifests and the chart in deploy/: rendered as kubectl and Helm do it, and validated strictly.

    ./x test deploy

Needs, from PyPI, kubectl (for kustomize), Helm's library and the schemas of Kubernetes; no cluster.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import kubernetes_validate
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))
import rendering

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
KUSTOMIZATIONS = ["k6", "locust", "sample"]
SCRIPT = "import http from 'k6/http';\nexport default function () {}\n"
CHARTS = {
    "a script": {"test": {"files": {"load-test.js": SCRIPT}}, "target": "http://flask-backend.mysql-app:5000"},
    "a locustfile": {"kind": "locust", "test": {"files": {"locustfile.py": "from locust import User\n"}}},
    "a locustfile that ends": {
        "kind": "locust", "test": {"configMap": "tests", "file": "b.py"},
        "options": ["--headless", "-u", "10", "-t", "1m", "--expect-workers", "3"],
    },
    "a locustfile that is found": {"kind": "locust", "test": {"configMap": "populate"}, "env": {"CLUSTER_URL": "mongodb://x"}},
    "everything": {
        "test": {"files": {"a.js": SCRIPT, "lib.js": "export const a = 1;\n"}, "file": "a.js"},
        "target": "http://x", "env": {"USERS": 10, "TEXT": "yes: \"no\"\nand more", "ON": True},
        "envFrom": [{"secretRef": {"name": "more"}}], "options": ["--tag", "a=b c"],
        "token": {"existingSecret": "mine"}, "imagePullSecrets": [{"name": "registry"}],
        "image": {"repository": "registry.example.com/throng", "tag": "1", "pullPolicy": "Always"},
        "serviceAccount": {"name": "theirs"}, "podAnnotations": {"a": "b"}, "podLabels": {"team": "load"},
        "nodeSelector": {"pool": "load"}, "tolerations": [{"key": "load", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}}, "extraVolumes": [{"name": "data", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "data", "mountPath": "/data"}],
        "controller": {"service": {"type": "NodePort", "annotations": {"c": "d"}}},
        "workers": {"autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 9}},
    },
}  # fmt: skip


def kustomize(folder):
    done = subprocess.run([rendering.kubectl(), "kustomize", folder], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{folder}: {done.stderr}")
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def helm(values):
    documents = rendering.helm(DEPLOY / "helm/throng", values)
    return [document for document in yaml.safe_load_all(documents) if document]


def pod(document):
    """The pod that a workload makes."""
    return document.get("spec", {}).get("template", {}).get("spec")


def by_kind(documents, kind):
    return [document for document in documents if document["kind"] == kind]


class Manifests(unittest.TestCase):
    def assert_good(self, documents):
        """Known fields only, restricted pods, and what points to something points to what is there."""
        self.assertTrue(documents)
        names = {(document["kind"], document["metadata"]["name"]) for document in documents}
        for document in documents:
            with self.subTest(f"{document['kind']}/{document['metadata']['name']}"):
                kubernetes_validate.validate(document, rendering.KUBERNETES, strict=True)
                if pod(document):
                    self.assert_restricted(pod(document))
                if document["kind"] == "HorizontalPodAutoscaler":
                    scaled = document["spec"]["scaleTargetRef"]
                    self.assertIn((scaled["kind"], scaled["name"]), names)
                    deployment = next(d for d in by_kind(documents, "Deployment") if d["metadata"]["name"] == scaled["name"])
                    # Two that set the number would fight, and a percentage is of a request.
                    self.assertNotIn("replicas", deployment["spec"])
                    for container in pod(deployment)["containers"]:
                        self.assertIn("cpu", container["resources"]["requests"])
                if document["kind"] == "Service":
                    self.assert_selects(document, documents)

    def assert_restricted(self, spec):
        """Kubernetes' Pod Security Standard `restricted`, and a root that cannot be written."""
        context = spec["securityContext"]
        self.assertIs(context["runAsNonRoot"], True)
        self.assertGreater(context["runAsUser"], 0)
        self.assertEqual(context["seccompProfile"], {"type": "RuntimeDefault"})
        self.assertIs(spec["automountServiceAccountToken"], False)
        self.assertIs(spec["enableServiceLinks"], False)
        self.assertGreaterEqual(spec["terminationGracePeriodSeconds"], 30)
        volumes = {volume["name"] for volume in spec.get("volumes", [])}
        for container in spec["containers"]:
            self.assertEqual(
                container["securityContext"],
                {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
            )
            self.assertEqual({*container["resources"]["requests"]}, {"cpu", "memory"})
            self.assertIn("memory", container["resources"]["limits"])
            self.assertNotEqual(container["image"].rsplit(":", 1)[-1], "latest")
            for mount in container.get("volumeMounts", []):
                self.assertTrue(mount["name"] in volumes or mount["name"] == "data", mount)

    def assert_selects(self, service, documents):
        """A Service that selects no pod, or names no port of it, is found out only when it is used."""
        selector = service["spec"]["selector"].items()
        selected = [
            document for document in documents
            if pod(document) and selector <= document["spec"]["template"]["metadata"]["labels"].items()
        ]  # fmt: skip
        self.assertEqual(len(selected), 1, f"{service['metadata']['name']} selects {len(selected)} workloads")
        ports = {port["name"] for container in pod(selected[0])["containers"] for port in container["ports"]}
        for port in service["spec"]["ports"]:
            self.assertIn(port["targetPort"], ports)


class Kustomizations(Manifests):
    def test_each_is_good(self):
        for name in KUSTOMIZATIONS:
            with self.subTest(name):
                self.assert_good(kustomize(DEPLOY / "kubernetes" / name))

    def test_workers_can_be_autoscaled(self):
        for name, component in (("k6", "autoscaled-workers"), ("locust", "autoscaled-locust-workers")):
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                tree = Path(folder) / "kubernetes"
                shutil.copytree(DEPLOY / "kubernetes", tree)
                # As the comment in the file says.
                file = tree / name / "kustomization.yaml"
                file.write_text(file.read_text() + f"components:\n  - ../components/{component}\n")
                documents = kustomize(tree / name)
                self.assertEqual(len(by_kind(documents, "HorizontalPodAutoscaler")), 1)
                self.assert_good(documents)

    def test_controller_and_workers_agree(self):
        documents = kustomize(DEPLOY / "kubernetes/k6")
        arguments = pod(by_kind(documents, "Job")[0])["containers"][0]["args"]
        workers = by_kind(documents, "Deployment")[0]
        self.assertIn(f"--expect-workers={workers['spec']['replicas']}", arguments)
        service = by_kind(documents, "Service")[0]["metadata"]["name"]
        self.assertIn(f"--controller={service}:5557", pod(workers)["containers"][0]["args"])

    def test_the_sample_is_the_one_that_people_test(self):
        documents = kustomize(DEPLOY / "kubernetes/sample")
        self.assertEqual(
            {document["metadata"].get("namespace") for document in documents if document["kind"] != "Namespace"},
            {"mysql-app"},
        )
        autoscaler = by_kind(documents, "HorizontalPodAutoscaler")[0]
        self.assertEqual(autoscaler["metadata"]["name"], "flask-backend-hpa")
        self.assertEqual((autoscaler["spec"]["minReplicas"], autoscaler["spec"]["maxReplicas"]), (2, 10))
        self.assertEqual(autoscaler["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 70)
        backend = next(service for service in by_kind(documents, "Service") if service["metadata"]["name"] == "flask-backend")
        self.assertEqual(backend["spec"]["ports"][0]["port"], 5000)


class Chart(Manifests):
    def test_each_way_to_use_it_is_good(self):
        for name, values in CHARTS.items():
            with self.subTest(name):
                self.assert_good(helm(values))
                self.assertEqual(rendering.problems(DEPLOY / "helm/throng", values), [])

    def test_a_script_has_a_controller_and_a_token(self):
        documents = helm(CHARTS["a script"])
        job = by_kind(documents, "Job")[0]
        container = pod(job)["containers"][0]
        self.assertEqual(container["args"][-1], "/locust/load-test.js")
        self.assertIn("--expect-workers=3", container["args"])
        secret = by_kind(documents, "Secret")[0]["metadata"]["name"]
        self.assertEqual(container["env"][0]["valueFrom"]["secretKeyRef"]["name"], secret)
        self.assertEqual(container["image"], "throng:0.1.0")
        self.assertEqual(by_kind(documents, "ConfigMap")[0]["data"], CHARTS["a script"]["test"]["files"])

    def test_a_locustfile_has_a_master_with_the_conventions_of_the_image(self):
        documents = helm(CHARTS["a locustfile"])
        environment = {
            document["metadata"]["name"]: {entry["name"]: entry["value"] for entry in pod(document)["containers"][0]["env"]}
            for document in by_kind(documents, "Deployment")
        }
        self.assertEqual(
            environment,
            {
                "run-throng-master": {"LOCUST_MODE": "master", "LOCUST_FILE": "locustfile.py"},
                "run-throng-worker": {
                    "LOCUST_MODE": "worker", "LOCUST_MASTER": "run-throng-master", "LOCUST_FILE": "locustfile.py",
                },
            },
        )  # fmt: skip
        self.assertFalse(by_kind(documents, "Secret"))

    def test_a_locustfile_that_ends_is_not_started_again(self):
        documents = helm(CHARTS["a locustfile that ends"])
        job = by_kind(documents, "Job")[0]
        self.assertEqual(job["spec"]["backoffLimit"], 0)
        self.assertEqual(pod(job)["containers"][0]["args"], CHARTS["a locustfile that ends"]["options"])
        self.assertFalse(by_kind(documents, "ConfigMap"))

    def test_values_reach_every_pod(self):
        for document in helm(CHARTS["everything"]):
            if not pod(document):
                continue
            spec, container = pod(document), pod(document)["containers"][0]
            self.assertEqual(container["image"], "registry.example.com/throng:1")
            self.assertEqual(spec["serviceAccountName"], "theirs")
            self.assertEqual(spec["nodeSelector"], {"pool": "load"})
            environment = {entry["name"]: entry.get("value") for entry in container["env"]}
            self.assertEqual(environment["USERS"], "10")
            self.assertEqual(environment["ON"], "true")
            self.assertEqual(environment["TEXT"], 'yes: "no"\nand more')
            self.assertEqual(document["spec"]["template"]["metadata"]["labels"]["team"], "load")
            self.assertIn({"name": "data", "mountPath": "/data"}, container["volumeMounts"])

    def test_values_that_make_no_sense_are_refused_by_name(self):
        for values, name in [
            ({"kind": "jmeter"}, "kind"),
            ({"workers": {"replicas": 0}}, "replicas"),
            ({"worker": {"replicas": 3}}, "worker"),
            ({"image": {"pullPolicy": "Sometimes"}}, "pullPolicy"),
            ({"options": "--headless"}, "options"),
            ({"controller": {"gatherTimeout": "soon"}}, "gatherTimeout"),
        ]:
            with self.subTest(name), self.assertRaises(rendering.Refused) as refused:
                helm({**CHARTS["a script"], **values})
            self.assertIn(name, str(refused.exception))

    def test_a_chart_without_a_test_says_how_to_give_one(self):
        with self.assertRaisesRegex(rendering.Refused, "--set-file"):
            helm({})

    def test_the_schema_knows_every_value(self):
        """What values.yaml has, the schema allows; and the defaults are good by themselves."""
        schema = json.loads((DEPLOY / "helm/throng/values.schema.json").read_text())
        values = yaml.safe_load((DEPLOY / "helm/throng/values.yaml").read_text())
        self.assertEqual({*values}, {*schema["properties"]} - {"global"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
