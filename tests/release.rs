//! What the release workflow makes: its step runs here as it stands there.

use std::fs;
use std::path::Path;
use std::process::Command;

use saphyr::{LoadableYamlNode as _, Yaml};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The manifest names no repository, so that a fork's release leads to the fork.
#[test]
fn the_crate_of_a_release_leads_cargo_binstall_to_its_archives() {
    let root = Path::new(ROOT);
    let workflow = fs::read_to_string(root.join(".github/workflows/release.yml")).unwrap();
    let workflow = Yaml::load_from_str(&workflow).unwrap();
    let jobs = &workflow[0]["jobs"];
    let steps = jobs["draft"]["steps"].as_vec().unwrap();
    let runs = steps.iter().filter_map(|step| step.as_mapping_get("run")?.as_str());
    let [script] = runs.filter(|run| run.contains("name-repository")).collect::<Vec<_>>()[..] else {
        panic!("one step names the repository")
    };
    let [naming, packaging @ ..] = &script.lines().collect::<Vec<_>>()[..] else { panic!("{script}") };
    assert!(packaging.iter().any(|line| line.starts_with("cargo package --locked")), "{script}");

    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join(".ci")).unwrap();
    for file in ["Cargo.toml", ".ci/name-repository"] {
        fs::copy(root.join(file), place.path().join(file)).unwrap();
    }
    let run = || {
        let mut command = Command::new("bash");
        command.args(["-e", "-c", naming]).current_dir(place.path());
        command.env("GITHUB_SERVER_URL", "https://forge.example").env("GITHUB_REPOSITORY", "owner/name");
        command.output().unwrap().status.success()
    };
    assert!(run());
    let text = fs::read_to_string(place.path().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    let package = &manifest["package"];
    assert_eq!(package["repository"].as_str(), Some("https://forge.example/owner/name"));
    let without = text.replacen("repository = \"https://forge.example/owner/name\"\n", "", 1);
    assert_eq!(without, fs::read_to_string(root.join("Cargo.toml")).unwrap(), "nothing else has changed");
    assert!(!run(), "it is named once");

    // the archive and its directory, as the other job names them
    let binstall = &package["metadata"]["binstall"];
    let filled = |key: &str| binstall[key].as_str().unwrap().replace("{ target }", "$TARGET");
    let steps = jobs["build"]["steps"].as_vec().unwrap();
    let runs = steps.iter().filter_map(|step| step.as_mapping_get("run")?.as_str());
    let archive = runs.filter(|run| run.contains("tar -czf")).collect::<String>();
    let name = archive.lines().find_map(|line| line.strip_prefix("name=")).unwrap().trim_matches('"');
    let address = format!("{{ repo }}/releases/download/v{{ version }}/{name}{{ archive-suffix }}");
    assert_eq!(filled("pkg-url"), address);
    assert_eq!(filled("bin-dir"), format!("{name}/{{ bin }}{{ binary-ext }}"));
}
