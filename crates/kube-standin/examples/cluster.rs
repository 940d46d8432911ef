//! A cluster to try commands on by hand: `cargo run -p throng-kube-standin --example cluster [THRONG]`.
//!
//! Its pods are processes of the program that is named (`throng` on the path without). It prints where its kubeconfig is,
//! and goes away when its standard input ends.

use std::io::{Read, Write};

use throng_kube_standin::{Behaviour, Cluster};

fn main() -> std::io::Result<()> {
    let throng = std::env::args().nth(1).unwrap_or_else(|| "throng".to_owned());
    let cluster = Cluster::start()?;
    cluster.program("throng", throng);
    cluster.when(|_| true, Behaviour::Process);
    writeln!(std::io::stdout(), "export KUBECONFIG={}", cluster.kubeconfig().display())?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
