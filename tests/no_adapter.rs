//! A machine without an adapter: what `CONVOKE_ADAPTER=cpu` makes of any.

use std::process::{Command, Output};

use convoke::{Backend, Error, Gpu, testing};

/// The test calls itself in a child process, since the environment belongs to the whole process.
#[test]
fn without_an_adapter_the_cpu_computes() {
    if std::env::var("CONVOKE_ADAPTER").as_deref() == Ok("cpu") {
        let error = Gpu::new().unwrap_err();
        assert!(matches!(error, Error::NoAdapter(_)), "{error}");
        assert!(error.to_string().contains("Backend::auto"), "{error}");
        let backend = Backend::auto();
        assert!(is_cpu(&backend), "{backend}");
        let name = if cfg!(feature = "cpu") { "thread" } else { "(reference)" };
        assert!(
            backend.to_string().starts_with("CPU (") && backend.to_string().contains(name),
            "{backend}"
        );
        return;
    }
    assert_passes(&child("cpu", "without_an_adapter_the_cpu_computes").unwrap());
}

#[test]
fn an_adapter_that_is_not_there_is_asked_for_in_vain() {
    if std::env::var("CONVOKE_ADAPTER").as_deref() == Ok("no such adapter") {
        let error = Gpu::new().unwrap_err();
        assert!(matches!(error, Error::NoAdapter(_)), "{error}");
        assert!(error.to_string().contains("\"no such adapter\""), "{error}");
        assert!(is_cpu(&Backend::auto()));
        return;
    }
    let test = "an_adapter_that_is_not_there_is_asked_for_in_vain";
    assert_passes(&child("no such adapter", test).unwrap());
}

#[test]
fn a_test_is_skipped_visibly_or_fails_where_a_gpu_is_required() {
    if std::env::var("CONVOKE_ADAPTER").as_deref() == Ok("cpu") {
        match testing::gpu() {
            Ok(None) => assert!(std::env::var_os("CONVOKE_REQUIRE_GPU").is_none()),
            Err(error @ Error::NoAdapter(_)) => panic!("{error}"),
            other => panic!("{other:?}"),
        }
        return;
    }
    let test = "a_test_is_skipped_visibly_or_fails_where_a_gpu_is_required";
    let run = |required: Option<&str>| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test]).env("CONVOKE_ADAPTER", "cpu");
        command.env_remove("CONVOKE_REQUIRE_GPU");
        if let Some(required) = required {
            command.env("CONVOKE_REQUIRE_GPU", required);
        }
        command.output().unwrap()
    };
    let skipped = run(None);
    assert_passes(&skipped);
    let seen = String::from_utf8_lossy(&skipped.stderr);
    assert!(seen.contains("SKIPPED: no GPU adapter"), "{seen}");
    let failed = run(Some("1"));
    let text = String::from_utf8_lossy(&failed.stdout);
    assert!(!failed.status.success() && text.contains("CONVOKE_REQUIRE_GPU=1"), "{text}");
}

/// The fast one where it is compiled in.
fn is_cpu(backend: &Backend) -> bool {
    #[cfg(feature = "cpu")]
    return matches!(backend, Backend::Cpu(_));
    #[cfg(not(feature = "cpu"))]
    matches!(backend, Backend::Reference)
}

/// Runs one test of this file with `CONVOKE_ADAPTER` set.
fn child(adapter: &str, test: &str) -> std::io::Result<Output> {
    Command::new(std::env::current_exe()?)
        .args(["--exact", test])
        .env("CONVOKE_ADAPTER", adapter)
        .output()
}

fn assert_passes(child: &Output) {
    let text = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && text.contains("1 passed"), "{text}");
}
