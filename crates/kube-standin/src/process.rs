//! Containers as processes: environment, volumes and addresses are made what they would be in a pod.
//!
//! There are no mount and network namespaces, so texts are rewritten instead: paths of volumes become folders of this
//! machine, `0.0.0.0` the pod's own address, and names of services (`NAME.NAMESPACE.svc`) theirs.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::cluster::Inner;
use crate::controllers::event;
use crate::kubelet::{deleted, ready};
use crate::resources::Resource;
use crate::store::Key;

fn stored(inner: &Inner, plural: &str, namespace: &str, name: &Value) -> Option<Value> {
    let resource = Resource::by_path("", "v1", plural)?;
    inner.store().get(&Key::new(resource, namespace, name.as_str()?)).cloned()
}

/// The files of a `ConfigMap` or `Secret`.
fn content(object: &Value, is_secret: bool) -> BTreeMap<String, Vec<u8>> {
    let decode = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
    let entries = |part: &str, coded: bool| -> Vec<(String, Vec<u8>)> {
        let all = object[part].as_object().into_iter().flatten();
        all.map(|(name, value)| {
            let text = value.as_str().unwrap_or_default();
            (name.clone(), if coded { decode(text) } else { text.as_bytes().to_vec() })
        })
        .collect()
    };
    entries("data", is_secret).into_iter().chain(entries("binaryData", true)).collect()
}

/// The source of a volume that another object holds: its plural, its name, the items wanted, and whether it may be missing.
fn source(volume: &Value) -> Option<(&'static str, Value, Value, bool)> {
    let optional = |one: &Value| one["optional"] == true;
    if let Some(map) = volume.get("configMap") {
        return Some(("configmaps", map["name"].clone(), map["items"].clone(), optional(map)));
    }
    let secret = volume.get("secret")?;
    let name = secret.get("secretName").or_else(|| secret.get("name"))?;
    Some(("secrets", name.clone(), secret["items"].clone(), optional(secret)))
}

/// Waits for what volumes name, as mounting does; something only if the pod was deleted meanwhile.
pub(crate) async fn wait_for_volumes(inner: &Arc<Inner>, key: &Key, pod: &Value) -> Option<Option<()>> {
    let mut changed = inner.changes();
    loop {
        let missing = pod["spec"]["volumes"].as_array().into_iter().flatten().filter_map(source).find(
            |(plural, name, _, optional)| !optional && stored(inner, plural, &key.namespace, name).is_none(),
        );
        let (plural, name, ..) = missing?;
        let kind = plural.trim_end_matches('s');
        let message = format!("MountVolume.SetUp failed for volume : {kind} {name} not found");
        event(inner, pod, "Warning", "FailedMount", &message);
        tokio::select! {
            _ = changed.changed() => {}
            gone = deleted(inner, key) => return Some(gone),
        }
    }
}

/// What the environment of a container names and is not there, in the kubelet's words.
pub(crate) fn missing_in_environment(inner: &Inner, pod: &Value) -> Option<String> {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
    let container = &pod["spec"]["containers"][0];
    for variable in container["env"].as_array().into_iter().flatten() {
        for (from, plural, kind) in
            [("secretKeyRef", "secrets", "secret"), ("configMapKeyRef", "configmaps", "configmap")]
        {
            let wanted = &variable["valueFrom"][from];
            if wanted.is_null() || wanted["optional"] == true {
                continue;
            }
            let name = wanted["name"].as_str().unwrap_or_default();
            let Some(object) = stored(inner, plural, namespace, &wanted["name"]) else {
                return Some(format!("{kind} \"{name}\" not found"));
            };
            if !content(&object, plural == "secrets").contains_key(wanted["key"].as_str().unwrap_or_default())
            {
                return Some(format!("couldn't find key {} in {kind} {namespace}/{name}", wanted["key"]));
            }
        }
    }
    for source in container["envFrom"].as_array().into_iter().flatten() {
        for (from, plural, kind) in
            [("secretRef", "secrets", "secret"), ("configMapRef", "configmaps", "configmap")]
        {
            let wanted = &source[from];
            if !wanted.is_null()
                && wanted["optional"] != true
                && stored(inner, plural, namespace, &wanted["name"]).is_none()
            {
                return Some(format!("{kind} {} not found", wanted["name"]));
            }
        }
    }
    None
}

struct Rewriter {
    /// Longest first, so that a mount within another is found.
    paths: Vec<(String, String)>,
    address: String,
    services: Vec<(String, String)>,
}

impl Rewriter {
    fn apply(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for (name, address) in &self.services {
            out = out.replace(name, address);
        }
        out = out.replace("0.0.0.0", &self.address);
        self.rewrite_paths(&out)
    }

    fn rewrite_paths(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let fits = |mount: &str| {
                rest.strip_prefix(mount)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', ',', ' ']))
            };
            let before = out.chars().last();
            let at_start = before.is_none_or(|c| !(c.is_alphanumeric() || "/._-".contains(c)));
            match self.paths.iter().find(|(mount, _)| at_start && fits(mount)) {
                Some((mount, folder)) => {
                    out.push_str(folder);
                    rest = &rest[mount.len()..];
                }
                None => {
                    out.push(c);
                    rest = &rest[c.len_utf8()..];
                }
            }
        }
        out
    }
}

fn mount(inner: &Inner, key: &Key, pod: &Value) -> std::io::Result<(PathBuf, Vec<(String, String)>)> {
    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
    let home = inner.folder().join("pods").join(format!("{}-{uid}", key.name));
    let mut paths = Vec::new();
    let volumes: Vec<&Value> = pod["spec"]["volumes"].as_array().into_iter().flatten().collect();
    for mount in pod["spec"]["containers"][0]["volumeMounts"].as_array().into_iter().flatten() {
        let (Some(path), Some(name)) = (mount["mountPath"].as_str(), mount["name"].as_str()) else {
            continue;
        };
        let folder = home.join("volumes").join(name);
        std::fs::create_dir_all(&folder)?;
        let volume = volumes.iter().find(|volume| volume["name"] == name);
        if let Some((plural, object, items, _)) = volume.and_then(|volume| source(volume))
            && let Some(object) = stored(inner, plural, &key.namespace, &object)
        {
            let files = content(&object, plural == "secrets");
            for (file, bytes) in &files {
                let place = match items.as_array() {
                    None => Some(file.as_str()),
                    Some(items) => {
                        items.iter().find(|one| one["key"] == *file).and_then(|one| one["path"].as_str())
                    }
                };
                if let Some(place) = place {
                    let place = folder.join(place);
                    if let Some(parent) = place.parent() {
                        std::fs::create_dir_all(parent)?;
                    }
                    std::fs::write(place, bytes)?;
                }
            }
        }
        paths.push((path.trim_end_matches('/').to_owned(), folder.display().to_string()));
    }
    paths.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    std::fs::create_dir_all(home.join("tmp"))?;
    Ok((home, paths))
}

fn services(inner: &Inner) -> Vec<(String, String)> {
    let Some(resource) = Resource::by_path("", "v1", "services") else { return Vec::new() };
    let store = inner.store();
    let services = store.list(resource, None).filter_map(|service| {
        let (name, namespace) =
            (service["metadata"]["name"].as_str()?, service["metadata"]["namespace"].as_str()?);
        Some((format!("{name}.{namespace}.svc"), service["spec"]["clusterIP"].as_str()?.to_owned()))
    });
    let mut services: Vec<_> = services.collect();
    services.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    services
}

fn environment(inner: &Inner, key: &Key, pod: &Value) -> BTreeMap<String, String> {
    let container = &pod["spec"]["containers"][0];
    let mut environment = BTreeMap::new();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for source in container["envFrom"].as_array().into_iter().flatten() {
        for (from, plural) in [("secretRef", "secrets"), ("configMapRef", "configmaps")] {
            if let Some(object) = stored(inner, plural, &key.namespace, &source[from]["name"]) {
                let prefix = source["prefix"].as_str().unwrap_or_default();
                let all = content(&object, plural == "secrets").into_iter();
                environment.extend(all.map(|(name, value)| (format!("{prefix}{name}"), text(&value))));
            }
        }
    }
    for variable in container["env"].as_array().into_iter().flatten() {
        let name = variable["name"].as_str().unwrap_or_default().to_owned();
        let from = &variable["valueFrom"];
        let value = if let Some(value) = variable["value"].as_str() {
            Some(value.to_owned())
        } else if let Some(path) = from["fieldRef"]["fieldPath"].as_str() {
            let current = inner.store().get(key).cloned().unwrap_or_default();
            path.split('.').fold(&current, |value, step| &value[step]).as_str().map(str::to_owned)
        } else {
            [("secretKeyRef", "secrets"), ("configMapKeyRef", "configmaps")].iter().find_map(
                |(kind, plural)| {
                    let object = stored(inner, plural, &key.namespace, &from[*kind]["name"])?;
                    content(&object, *plural == "secrets")
                        .get(from[*kind]["key"].as_str()?)
                        .map(|bytes| text(bytes))
                },
            )
        };
        environment.extend(value.map(|value| (name, value)));
    }
    environment
}

/// What of this machine's environment a process needs to be found at all.
const INHERITED: [&str; 6] =
    ["PATH", "LD_LIBRARY_PATH", "THRONG_PYTHON", "VIRTUAL_ENV", "LANG", "RUST_BACKTRACE"];

fn command(inner: &Inner, key: &Key, pod: &Value) -> std::io::Result<Command> {
    let container = &pod["spec"]["containers"][0];
    let (home, paths) = mount(inner, key, pod)?;
    let address = inner
        .store()
        .get(key)
        .and_then(|pod| pod["status"]["podIP"].as_str().map(str::to_owned))
        .unwrap_or_default();
    let rewriter = Rewriter { paths, address, services: services(inner) };
    let strings = |name: &str| -> Vec<String> {
        container[name]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect()
    };
    let environment = environment(inner, key, pod);
    let expand = |text: &str| {
        environment
            .iter()
            .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("$({name})"), value))
    };
    let mut words = strings("command");
    words.extend(strings("args"));
    let words: Vec<String> = words.iter().map(|word| rewriter.apply(&expand(word))).collect();
    let (program, arguments) = words.split_first().ok_or_else(|| std::io::Error::other("no command"))?;
    let name = program.rsplit('/').next().unwrap_or_default();
    let mut command = Command::new(inner.program(name));
    command.args(arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.envs(INHERITED.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))));
    command.env("HOME", &home).env("HOSTNAME", &key.name).env("TMPDIR", home.join("tmp"));
    command.envs(environment.iter().map(|(name, value)| (name, rewriter.apply(value))));
    if pod["spec"]["automountServiceAccountToken"] != false {
        let account = pod["spec"]["serviceAccountName"].as_str().unwrap_or("default");
        let token = format!("account:{}/{account}", key.namespace);
        let path = home.join("kubeconfig");
        std::fs::write(&path, inner.kubeconfig(&token, &key.namespace))?;
        command.env("KUBECONFIG", path);
    }
    let folder =
        container["workingDir"].as_str().map_or_else(|| home.clone(), |path| rewriter.apply(path).into());
    std::fs::create_dir_all(&folder)?;
    command.current_dir(folder).kill_on_drop(true);
    Ok(command)
}

/// Runs the pod's container to its end, and gives its code.
pub(crate) async fn run(inner: &Arc<Inner>, key: &Key, pod: &Value) -> Option<i32> {
    let child = command(inner, key, pod).and_then(|mut command| command.spawn());
    let mut child = match child {
        Ok(child) => child,
        Err(error) => {
            inner.pods.write(key, &format!("exec failed: {error}"));
            return Some(127);
        }
    };
    inner.pods.set_process(key, child.id());
    let copies = [
        child.stdout.take().map(|stream| tokio::spawn(copy(Arc::clone(inner), key.clone(), stream))),
        child.stderr.take().map(|stream| tokio::spawn(copy(Arc::clone(inner), key.clone(), stream))),
    ];
    let probe = tokio::spawn(probe(Arc::clone(inner), key.clone(), pod.clone()));
    let code = {
        let end = tokio::select! {
            status = child.wait() => Some(status),
            _ = deleted(inner, key) => None,
        };
        let status = match end {
            Some(status) => status,
            None => {
                if let Some(process) = child.id() {
                    signal(process, "TERM");
                }
                let grace = inner
                    .store()
                    .get(key)
                    .and_then(|pod| pod["metadata"]["deletionGracePeriodSeconds"].as_u64())
                    .unwrap_or(0);
                match tokio::time::timeout(Duration::from_secs(grace), child.wait()).await {
                    Ok(status) => status,
                    Err(_) => {
                        let _ = child.kill().await;
                        child.wait().await
                    }
                }
            }
        };
        status
            .map_or(255, |status| status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(255))
    };
    probe.abort();
    for copy in copies.into_iter().flatten() {
        // Children that outlive the process may hold its streams.
        let _ = tokio::time::timeout(Duration::from_secs(2), copy).await;
    }
    inner.pods.set_process(key, None);
    Some(code)
}

async fn copy(inner: Arc<Inner>, key: Key, stream: impl AsyncRead + Unpin) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).await.is_ok_and(|length| length > 0) {
        let text = String::from_utf8_lossy(&line);
        inner.pods.write(&key, text.trim_end_matches('\n'));
        line.clear();
    }
}

/// Asks as the readiness probe says, and writes down the answer.
async fn probe(inner: Arc<Inner>, key: Key, pod: Value) {
    let container = &pod["spec"]["containers"][0];
    let probe = &container["readinessProbe"];
    if probe.is_null() {
        ready(&inner, &key, true);
        return;
    }
    let by_name = |name: &str| {
        container["ports"].as_array().into_iter().flatten().find(|port| port["name"] == name)?["containerPort"].as_u64()
    };
    let port = |value: &Value| value.as_u64().or_else(|| by_name(value.as_str()?)).unwrap_or(0) as u16;
    let mut known = false;
    loop {
        let pod = inner.store().get(&key).cloned().unwrap_or(json!({}));
        let is_ready = if let Some(http) = probe.get("httpGet") {
            let path = http["path"].as_str().unwrap_or("/");
            match inner.network().target(&pod, port(&http["port"])) {
                Some(target) => asks(target, path).await.is_some_and(|status| (200..400).contains(&status)),
                None => false,
            }
        } else {
            match inner.network().target(&pod, port(&probe["tcpSocket"]["port"])) {
                Some(target) => TcpStream::connect(target).await.is_ok(),
                None => false,
            }
        };
        if is_ready != known {
            known = is_ready;
            ready(&inner, &key, is_ready);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn asks(target: std::net::SocketAddr, path: &str) -> Option<u16> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = TcpStream::connect(target).await.ok()?;
    let head = format!("GET {path} HTTP/1.1\r\nHost: {target}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut answer = [0; 12];
    tokio::time::timeout(Duration::from_secs(1), stream.read_exact(&mut answer)).await.ok()?.ok()?;
    std::str::from_utf8(&answer).ok()?.get(9..12)?.parse().ok()
}

/// Sends a signal by the system's own program, as this crate has no unsafe code.
pub(crate) fn signal(process: u32, name: &str) {
    // A process that is gone by now needs none.
    let _ = std::process::Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).status();
}
