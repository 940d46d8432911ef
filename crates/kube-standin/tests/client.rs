//! The stand-in through the real client: what it must do as a real API server does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use futures_util::{AsyncBufReadExt, StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{
    DeleteParams, ListParams, LogParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, ResourceExt};
use serde_json::json;
use throng_kube_standin::{Behaviour, Cluster};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const LIMIT: Duration = Duration::from_secs(20);

async fn client(cluster: &Cluster) -> Client {
    let file = Kubeconfig::read_from(cluster.kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

fn map(name: &str, app: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name, "labels": {"app": app}}, "data": {"a": "1"}}))
        .unwrap()
}

fn message(error: kube::Error) -> (u16, String) {
    match error {
        kube::Error::Api(status) => (status.code, status.message.clone()),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn objects_are_created_once_changed_by_version_and_selected() {
    let cluster = Cluster::start().unwrap();
    let maps: Api<ConfigMap> = Api::default_namespaced(client(&cluster).await);
    let first = maps.create(&PostParams::default(), &map("a", "x")).await.unwrap();
    let again = message(maps.create(&PostParams::default(), &map("a", "x")).await.unwrap_err());
    assert_eq!(again, (409, "configmaps \"a\" already exists".into()));
    maps.create(&PostParams::default(), &map("b", "y")).await.unwrap();
    let listed = maps.list(&ListParams::default().labels("app in (x)")).await.unwrap();
    assert_eq!(listed.items.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), ["a"]);

    let patch = Patch::Merge(json!({"data": {"a": null, "b": "2"}}));
    let changed = maps.patch("a", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(changed.data.clone().unwrap().into_iter().collect::<Vec<_>>(), [("b".into(), "2".into())]);
    assert_ne!(changed.resource_version(), first.resource_version());
    let (code, words) = message(maps.replace("a", &PostParams::default(), &first).await.unwrap_err());
    assert_eq!(code, 409);
    assert!(words.contains("the object has been modified"), "{words}");

    let applied = Patch::Apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"c": "3"}}));
    let applied = maps.patch("c", &PatchParams::apply("test"), &applied).await.unwrap();
    assert_eq!(applied.managed_fields()[0].manager.as_deref(), Some("test"));
    maps.delete("a", &DeleteParams::default()).await.unwrap();
    let (code, words) = message(maps.get("a").await.unwrap_err());
    assert_eq!((code, words.as_str()), (404, "configmaps \"a\" not found"));
}

#[tokio::test]
async fn what_types_do_not_know_and_what_is_too_large_is_refused() {
    let cluster = Cluster::start().unwrap();
    let client = client(&cluster).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let mut large = map("large", "x");
    large.data = Some([("a".to_owned(), "x".repeat(1_100_000))].into());
    let (code, words) = message(maps.create(&PostParams::default(), &large).await.unwrap_err());
    assert_eq!(code, 422);
    assert!(words.contains("Too long"), "{words}");
    let (code, _) = message(maps.create(&PostParams::default(), &map("Large", "x")).await.unwrap_err());
    assert_eq!(code, 422);
    let patch = Patch::Merge(json!({"dataa": {"a": "b"}}));
    maps.create(&PostParams::default(), &map("a", "x")).await.unwrap();
    let (code, words) = message(maps.patch("a", &PatchParams::default(), &patch).await.unwrap_err());
    assert_eq!(code, 400);
    assert!(words.contains("unknown field \"dataa\""), "{words}");
}

#[tokio::test]
async fn refusals_have_the_words_of_the_real_server() {
    let cluster = Cluster::start().unwrap();
    cluster.forbid("list", "pods");
    cluster.forbid("create", "deployments");
    let client = client(&cluster).await;
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let refused = message(pods.list(&ListParams::default()).await.unwrap_err());
    assert_eq!(
        refused,
        (
            403,
            "pods is forbidden: User \"tester\" cannot list resource \"pods\" in API group \"\" in the namespace \
             \"default\""
                .into()
        )
    );
    let deployments: Api<Deployment> = Api::default_namespaced(client);
    let (_, words) =
        message(deployments.create(&PostParams::default(), &Deployment::default()).await.unwrap_err());
    assert!(
        words.starts_with("deployments.apps is forbidden: User \"tester\" cannot create resource"),
        "{words}"
    );
}

#[tokio::test]
async fn watches_see_changes_through_their_selector_and_end_with_410() {
    let cluster = Cluster::start().unwrap();
    let maps: Api<ConfigMap> = Api::default_namespaced(client(&cluster).await);
    let version = maps.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let parameters = WatchParams::default().labels("app=x");
    let mut events = Box::pin(maps.watch(&parameters, &version).await.unwrap().try_filter(|event| {
        // They come by the clock.
        std::future::ready(!matches!(event, WatchEvent::Bookmark(_)))
    }));
    maps.create(&PostParams::default(), &map("a", "x")).await.unwrap();
    maps.create(&PostParams::default(), &map("b", "y")).await.unwrap();
    let patch = Patch::Merge(json!({"metadata": {"labels": {"app": "y"}}}));
    maps.patch("a", &PatchParams::default(), &patch).await.unwrap();
    assert!(matches!(events.next().await.unwrap().unwrap(), WatchEvent::Added(one) if one.name_any() == "a"));
    // What no longer fits is gone for this watch.
    assert!(
        matches!(events.next().await.unwrap().unwrap(), WatchEvent::Deleted(one) if one.name_any() == "a")
    );
    cluster.break_streams();
    assert!(events.next().await.is_none());

    cluster.expire();
    let mut expired = Box::pin(maps.watch(&parameters, &version).await.unwrap());
    match expired.next().await.unwrap().unwrap() {
        WatchEvent::Error(status) => assert_eq!((status.code, status.reason.as_str()), (410, "Expired")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn bookmarks_say_how_far_a_quiet_watch_is() {
    let cluster = Cluster::start().unwrap();
    let maps: Api<ConfigMap> = Api::default_namespaced(client(&cluster).await);
    let mut events = Box::pin(maps.watch(&WatchParams::default(), "1").await.unwrap());
    let bookmark = tokio::time::timeout(LIMIT, events.next()).await.unwrap().unwrap().unwrap();
    assert!(matches!(bookmark, WatchEvent::Bookmark(_)), "{bookmark:?}");
}

fn deployment(replicas: u32) -> Deployment {
    serde_json::from_value(json!({
        "metadata": {"name": "api"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "api"}},
            "template": {
                "metadata": {"labels": {"app": "api"}}, "spec": {"containers": [{"name": "c", "image": "api:1"}]},
            },
        },
    }))
    .unwrap()
}

#[tokio::test]
async fn a_deployment_becomes_pods_is_scaled_and_takes_them_along() {
    let cluster = Cluster::start().unwrap();
    cluster.when(|_| true, Behaviour::Runs { log: vec!["one".into(), "two".into()] });
    let client = client(&cluster).await;
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    deployments.create(&PostParams::default(), &deployment(2)).await.unwrap();
    let ready = |wanted: u64| {
        cluster.wait("ready replicas", LIMIT, |cluster| {
            let found = cluster.get("deployments", "default", "api")?;
            (found["status"]["readyReplicas"].as_u64() == Some(wanted)).then_some(())
        });
    };
    ready(2);
    let patch = Patch::Merge(json!({"spec": {"replicas": 3}}));
    let scale = deployments.patch_scale("api", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(scale.spec.unwrap().replicas, Some(3));
    ready(3);
    let pods: Api<Pod> = Api::default_namespaced(client);
    let pod = pods.list(&ListParams::default()).await.unwrap().items.remove(0).name_any();
    assert_eq!(pods.logs(&pod, &LogParams::default()).await.unwrap(), "one\ntwo\n");
    let follow = LogParams { follow: true, timestamps: true, ..LogParams::default() };
    let mut lines = pods.log_stream(&pod, &follow).await.unwrap().lines();
    let line = lines.next().await.unwrap().unwrap();
    assert!(line.ends_with("Z one"), "{line}");
    let previous = LogParams { previous: true, ..LogParams::default() };
    let (code, words) = message(pods.logs(&pod, &previous).await.unwrap_err());
    assert_eq!(code, 400);
    assert!(words.contains("previous terminated container"), "{words}");
    deployments.delete("api", &DeleteParams::background()).await.unwrap();
    cluster
        .wait("an empty namespace", LIMIT, |cluster| cluster.leftovers("default").is_empty().then_some(()));
}

#[tokio::test]
async fn ports_of_pods_are_forwarded_and_a_refusal_is_told() {
    let cluster = Cluster::start().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    cluster.listens(("app", "api"), 8080, listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut word = [0; 4];
        stream.read_exact(&mut word).await.unwrap();
        stream.write_all(&word).await.unwrap();
    });
    cluster.put(serde_json::to_value(deployment(1)).unwrap());
    let pod = cluster.wait("the pod", LIMIT, |cluster| {
        let pod =
            cluster.list("pods", "default").into_iter().find(|pod| pod["status"]["phase"] == "Running")?;
        Some(pod["metadata"]["name"].as_str()?.to_owned())
    });
    let pods: Api<Pod> = Api::default_namespaced(client(&cluster).await);
    let mut forwarder = pods.portforward(&pod, &[8080, 9]).await.unwrap();
    let mut stream = forwarder.take_stream(8080).unwrap();
    stream.write_all(b"ping").await.unwrap();
    let mut word = [0; 4];
    stream.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"ping");
    let refused = forwarder.take_error(9).unwrap().await.unwrap();
    assert!(refused.contains("failed to connect to localhost:9"), "{refused}");
}

#[tokio::test]
async fn tests_write_histories_of_autoscalers_and_measurements() {
    let cluster = Cluster::start().unwrap();
    cluster.put(json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "api"},
        "spec": {"maxReplicas": 10, "scaleTargetRef": {"kind": "Deployment", "name": "api"}},
    }));
    let client = client(&cluster).await;
    let autoscalers: Api<HorizontalPodAutoscaler> = Api::default_namespaced(client.clone());
    let mut events = Box::pin(autoscalers.watch(&WatchParams::default(), "0").await.unwrap());
    assert!(matches!(events.next().await.unwrap().unwrap(), WatchEvent::Added(_)));
    cluster.change(
        "horizontalpodautoscalers",
        "default",
        "api",
        &json!({"status": {"currentReplicas": 2, "desiredReplicas": 4}}),
    );
    loop {
        match events.next().await.unwrap().unwrap() {
            WatchEvent::Modified(one) => break assert_eq!(one.status.unwrap().desired_replicas, 4),
            WatchEvent::Bookmark(_) => {}
            other => panic!("{other:?}"),
        }
    }
    cluster.put(json!({
        "apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics", "metadata": {"name": "api-1"},
        "timestamp": "2025-01-01T00:00:00Z", "window": "15s",
        "containers": [{"name": "api", "usage": {"cpu": "250m", "memory": "64Mi"}}],
    }));
    let path = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods";
    let request = || http_get(path);
    let list: serde_json::Value = client.request(request()).await.unwrap();
    assert_eq!(list["items"][0]["containers"][0]["usage"]["cpu"], "250m");
    cluster.without_metrics(true);
    let refused = client.request::<serde_json::Value>(request()).await.unwrap_err();
    assert_eq!(message(refused), (404, "the server could not find the requested resource".into()));
}

fn http_get(path: &str) -> axum::http::Request<Vec<u8>> {
    axum::http::Request::get(path).body(Vec::new()).unwrap()
}
