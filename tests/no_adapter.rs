//! A machine without an adapter: what `CONVOKE_ADAPTER=cpu` makes of any.

use std::process::Command;

use convoke::{Backend, Error, Gpu};

/// The test calls itself in a child process, since the environment belongs to the whole process.
#[test]
fn without_an_adapter_the_cpu_computes() {
    if std::env::var("CONVOKE_ADAPTER").as_deref() == Ok("cpu") {
        let error = Gpu::new().unwrap_err();
        assert!(matches!(error, Error::NoAdapter(_)), "{error}");
        assert!(error.to_string().contains("Backend::auto"), "{error}");
        let backend = Backend::auto();
        assert!(matches!(backend, Backend::Reference), "{backend}");
        assert_eq!(backend.to_string(), "CPU (reference)");
        return;
    }
    child("cpu", "without_an_adapter_the_cpu_computes");
}

#[test]
fn an_adapter_that_is_not_there_is_asked_for_in_vain() {
    if std::env::var("CONVOKE_ADAPTER").as_deref() == Ok("no such adapter") {
        let error = Gpu::new().unwrap_err();
        assert!(matches!(error, Error::NoAdapter(_)), "{error}");
        assert!(error.to_string().contains("\"no such adapter\""), "{error}");
        assert!(matches!(Backend::auto(), Backend::Reference));
        return;
    }
    child("no such adapter", "an_adapter_that_is_not_there_is_asked_for_in_vain");
}

fn child(adapter: &str, test: &str) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env("CONVOKE_ADAPTER", adapter)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
