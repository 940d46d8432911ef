//! Connecting: a kubeconfig with one of its contexts, or the service account of the pod that this runs in.

use throng_kube::{Connection, Place};

use super::explain::Trouble;

const FIX: &str =
    "check KUBECONFIG or ~/.kube/config, and --watch-context; in a pod its service account is used";

/// A client, and the namespace to look into.
pub(super) async fn connect(
    context: Option<&str>,
    namespace: Option<&str>,
) -> Result<(kube::Client, String), Trouble> {
    let place = Place {
        context: context.map(str::to_owned),
        namespace: namespace.map(str::to_owned),
        ..Place::default()
    };
    match Connection::open_without_retries(&place).await {
        Ok(connection) => Ok((connection.client, connection.namespace)),
        // What commands say over several lines is one line here.
        Err(error) => {
            let why = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            Err(Trouble::new(why, FIX))
        }
    }
}
