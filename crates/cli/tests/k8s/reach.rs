//! Ways to a cluster: TLS with certificates for both sides, programs that give credentials, and another machine.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use throng_kube_standin::Cluster;

use crate::support::{ENDLESS, LIMIT, SCRIPT, World};

#[test]
fn a_cluster_is_reached_over_tls_with_certificates_for_both_sides() {
    let world = World::new();
    world.write("load.js", SCRIPT);
    let config = world.cluster.kubeconfig_over_tls();
    let config = config.to_str().unwrap();
    let done = world.run(&["k8s", "run", "load.js", "--kubeconfig", config, "--name", "safe"]).expect_code(0);
    done.expect_error("run safe in namespace default of https://127.0.0.1:");
    assert_eq!(world.read("throng-results/safe/mine.txt"), "iterations 4");
    world.expect_empty("default");

    // An authority that has not signed the server's certificate.
    let read =
        |path: &Path| -> Value { serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap() };
    let another = Cluster::start().unwrap();
    let mut stranger = read(Path::new(config));
    let authority = read(&another.kubeconfig_over_tls());
    let name = "certificate-authority-data";
    stranger["clusters"][0]["cluster"][name] = authority["clusters"][0]["cluster"][name].clone();
    world.write("stranger", stranger.to_string());
    let done = world.run(&["k8s", "status", "--kubeconfig", "stranger"]).expect_code(115);
    done.expect_error("certificate");
}

#[test]
fn credentials_come_from_a_program_as_on_the_clusters_of_clouds() {
    let world = World::new();
    world.write(
        "bin/get-token",
        "#!/bin/sh\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\
         \"status\":{\"token\":\"standin\"}}'\n",
    );
    make_executable(&world.folder.path().join("bin/get-token"));
    let config = std::fs::read_to_string(world.cluster.kubeconfig()).unwrap();
    let program = world.folder.path().join("bin/get-token");
    let exec = format!(
        "\"exec\":{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"command\":\"{}\",\"interactiveMode\":\"Never\"}}",
        program.display()
    );
    world.write("config", config.replace("\"token\":\"standin\"", &exec));
    world.write("load.js", SCRIPT);
    world.run(&["k8s", "run", "load.js", "--kubeconfig", "config"]).expect_code(0);
    world.write("bin/get-token", "#!/bin/sh\necho 'your session is over: log in' >&2\nexit 1\n");
    let done = world.run(&["k8s", "status", "--kubeconfig", "config"]).expect_code(104);
    done.expect_error("get-token");
}

/// Another machine: an SSH server of this test's own, with a key that lasts as long as it does.
struct Jump {
    server: Child,
    folder: PathBuf,
    port: u16,
}

impl Drop for Jump {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn make_executable(path: &Path) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn key(path: &Path) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "ssh-keygen is missing: apt-get install openssh-client"
    );
}

fn sshd() -> PathBuf {
    let found =
        ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].map(PathBuf::from).into_iter().find(|path| path.exists());
    found.expect("sshd is missing: apt-get install openssh-server")
}

impl Jump {
    fn start(world: &World) -> Self {
        let folder = world.folder.path().join("jump");
        std::fs::create_dir(&folder).unwrap();
        for name in ["host", "user"] {
            key(&folder.join(name));
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let place = folder.display();
        std::fs::write(
            folder.join("sshd_config"),
            format!(
                "ListenAddress 127.0.0.1:{port}\nHostKey {place}/host\nAuthorizedKeysFile {place}/user.pub\nPidFile none\n\
                 UsePAM no\nStrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
                 PermitRootLogin prohibit-password\n"
            ),
        )
        .unwrap();
        std::fs::write(
            folder.join("ssh_config"),
            format!(
                "Host *\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {place}/user\n  IdentitiesOnly yes\n  \
                 UserKnownHostsFile {place}/known\n  StrictHostKeyChecking accept-new\n  LogLevel ERROR\n"
            ),
        )
        .unwrap();
        // What people have in ~/.ssh, which is not looked for in $HOME.
        std::fs::write(folder.join("ssh"), format!("#!/bin/sh\nexec ssh -F {place}/ssh_config \"$@\"\n"))
            .unwrap();
        make_executable(&folder.join("ssh"));
        // A package's own scripts make it where a system starts its services.
        let _ = std::fs::create_dir("/run/sshd");
        let server = Command::new(sshd())
            .args(["-D", "-e", "-f"])
            .arg(folder.join("sshd_config"))
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(folder.join("log")).unwrap())
            .spawn()
            .unwrap();
        let jump = Self { server, folder, port };
        world.cluster.wait("the SSH server", LIMIT, |_| {
            std::net::TcpStream::connect(("127.0.0.1", jump.port)).is_ok().then_some(())
        });
        jump
    }

    fn command(&self, world: &World, args: &[&str]) -> Command {
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let host = format!("{}@jump", String::from_utf8(user).unwrap().trim());
        let mut command = world.command(&[args, &["--ssh", &host]].concat());
        command.env("THRONG_SSH", self.folder.join("ssh"));
        command.env("KUBECONFIG", world.cluster.kubeconfig_over_tls());
        command
    }

    /// The processes that carry connections, one for each client that is logged in.
    fn sessions(&self) -> Vec<String> {
        let children =
            Command::new("ps").args(["-o", "pid=", "--ppid", &self.server.id().to_string()]).output();
        let text = String::from_utf8(children.unwrap().stdout).unwrap();
        text.split_whitespace().map(str::to_owned).collect()
    }
}

#[test]
fn a_cluster_behind_another_machine_is_reached_through_it() {
    let world = World::new();
    let jump = Jump::start(&world);
    world.write("load.js", SCRIPT);
    let run = |args: &[&str]| world.start_command(jump.command(&world, args)).finish();
    run(&["k8s", "run", "load.js"]).expect_code(0);
    world.expect_empty("default");
    world.cluster.wait("the end of ssh", LIMIT, |_| jump.sessions().is_empty().then_some(()));

    let mut command = jump.command(&world, &["k8s", "status"]);
    command.env("THRONG_SSH", "ssh-that-is-not-there");
    let done = world.start_command(command).finish().expect_code(115);
    done.expect_error("ssh-that-is-not-there");
    world.write("jump/user.pub", "");
    let done = run(&["k8s", "status"]).expect_code(115);
    done.expect_error("@jump: ssh ended with");
    done.expect_error("Permission denied");
}

#[test]
fn ctrl_c_in_a_terminal_does_not_take_the_tunnel_and_a_tunnel_that_breaks_is_opened_again() {
    let world = World::new();
    let jump = Jump::start(&world);
    world.write("load.js", ENDLESS);
    let mut command = jump.command(&world, &["k8s", "run", "load.js"]);
    // As a shell does it, so that a signal to the group is what a terminal sends.
    command.process_group(0);
    let mut run = world.start_command(command);
    run.wait_for("1 of 1 workers run");
    world.cluster.wait("the start of the load", LIMIT, |_| run.stdout().contains("running").then_some(()));
    let before = jump.sessions();
    assert!(!before.is_empty());
    for session in &before {
        Command::new("kill").arg(session).status().unwrap();
    }
    world.cluster.wait("another tunnel", LIMIT, |_| {
        jump.sessions().iter().any(|session| !before.contains(session)).then_some(())
    });
    // The log goes on where it broke off: what came meanwhile, and then more.
    let before = run.stdout().len();
    world.cluster.wait("the log again", LIMIT, |_| (run.stdout().len() > before + 200).then_some(()));
    run.signal_group("INT");
    let done = run.finish().expect_code(105);
    assert!(done.stdout.contains("torn down"), "{}", done.stdout);
    world.expect_empty("default");
}

#[test]
fn a_service_behind_another_machine_is_brought_to_a_test_here() {
    let world = crate::forward::with_service();
    world.cluster.listens(("app", "api"), 8080, crate::forward::web_server());
    let jump = Jump::start(&world);
    let port = crate::forward::free_port();
    world.write("load.js", crate::forward::script(port));
    let target = format!("svc/api:{port}:80");
    let command = jump.command(&world, &["run", "--forward", &target, "load.js"]);
    world.start_command(command).finish().expect_code(0);
}
