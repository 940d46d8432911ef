//! The demo application by itself: `cargo run -p throng-demo-api --example demo_api -- [ADDRESS] [DATABASE URL]`.

use throng_demo_api::{Config, Database, DemoError};

fn main() -> Result<(), DemoError> {
    let mut arguments = std::env::args().skip(1);
    let mut config = Config::default();
    if let Some(listen) = arguments.next().and_then(|address| address.parse().ok()) {
        config.listen = listen;
    }
    if let Some(url) = arguments.next() {
        config.database = Database::from_url(&url)?;
    }
    throng_demo_api::run(config)
}
