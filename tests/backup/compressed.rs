//! Backups as `.sql.zst`: the same dump in frames.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use prisma_safe::backup::encryption::Keys;
use prisma_safe::backup::load::{self, Options};
use prisma_safe::backup::manifest::Format;
use prisma_safe::backup::{self, Archive, Backup, Proof, State};
use prisma_safe::database::DatabaseUrl;
use prisma_safe::tools::scratch::server_programs;

use super::{AWKWARD, Place, files, shell};
use crate::support::Database;

/// Rows for several frames, one of them longer than a frame, and a table without any.
const MUCH: &str = "
CREATE TABLE much (id int PRIMARY KEY, pad text);
INSERT INTO much SELECT i, md5(i::text) || repeat('x', 200) FROM generate_series(1, 20000) i;
CREATE TABLE wide (id int, document text, bytes bytea);
INSERT INTO wide SELECT 1, repeat('wide', 1300000), decode(repeat('00ff5c0a', 300000), 'hex');
INSERT INTO wide SELECT i, 'narrow', NULL FROM generate_series(2, 9) i;
CREATE TABLE empty (id int);
";

fn place() -> Place {
    Place::new(&[AWKWARD, MUCH].concat()).set("format = 'sql.zst'\nproof = 'roundtrip'")
}

#[test]
fn a_compressed_backup_is_the_plain_dump_in_frames() {
    let place = place();
    let Backup { path, manifest } = place.backup().unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("prod_backup_") && name.ends_with(".sql.zst"), "{name}");
    assert_eq!((manifest.format, manifest.proof), (Format::SqlZst, Proof::Roundtrip));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(files(&place.path()), [".gitignore".to_owned(), name.to_owned(), format!("{name}.json")]);
    assert_eq!(manifest.bytes, fs::metadata(&path).unwrap().len());

    let plain = zstd::decode_all(fs::File::open(&path).unwrap()).unwrap();
    assert_eq!(plain.len() as u64, manifest.dump.bytes);
    let (mut at, mut offset) = (0, 0);
    for frame in &manifest.frames {
        assert_eq!((frame.at, frame.offset), (at, offset));
        (at, offset) = (at + frame.stored, offset + frame.length);
    }
    assert_eq!((at, offset), (manifest.bytes, manifest.dump.bytes));
    for table in &manifest.tables {
        assert!(manifest.frames.iter().any(|frame| frame.offset == table.offset), "{} begins no frame", table.name);
        let mut rows = Vec::new();
        let archive = Archive::open(&path).unwrap();
        std::io::copy(&mut archive.read(table.offset, table.offset + table.length).unwrap(), &mut rows).unwrap();
        let from = usize::try_from(table.offset).unwrap();
        assert!(rows == plain[from..from + rows.len()], "{}", table.name);
    }
    assert!(place.verified(&path).unwrap().problems.is_empty());
    assert_eq!(backup::list(&place.path()).unwrap()[0].state, State::Good);
}

/// `zstd -d | psql`, with a psql as everybody has it.
#[test]
fn what_zstd_gives_back_can_be_restored_with_psql() {
    let place = place();
    let Backup { path, .. } = place.backup().unwrap();
    let other = Database::new();
    let mut psql = Command::new(server_programs(&place.env).unwrap().join("psql"))
        .args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"])
        .arg(other.url())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let plain = zstd::decode_all(fs::File::open(&path).unwrap()).unwrap();
    psql.stdin.take().unwrap().write_all(&plain).unwrap();
    assert!(psql.wait().unwrap().success());
    assert_eq!(place.database.contents(), other.contents());

    let third = Database::new();
    let url = DatabaseUrl::parse(third.url()).unwrap();
    load::load(&Archive::open(&path).unwrap(), &url, &Options::scratch(), &mut |_| Ok(())).unwrap();
    assert_eq!(place.database.contents(), third.contents());
}

/// Every byte of the file counts, wherever it stands.
#[test]
fn a_flipped_bit_anywhere_is_found() {
    let place = place().set("format = 'sql.zst'\nproof = 'read'");
    let Backup { path, manifest } = place.backup().unwrap();
    let whole = fs::read(&path).unwrap();
    let last = manifest.frames.last().unwrap().at;
    for at in [0, 5, 11, manifest.bytes / 3, manifest.bytes / 2, last + 1, manifest.bytes - 1] {
        let mut damaged = whole.clone();
        damaged[usize::try_from(at).unwrap()] ^= 0x10;
        fs::write(&path, &damaged).unwrap();
        assert!(!place.verified(&path).unwrap().problems.is_empty(), "byte {at}");
    }
    for end in [manifest.frames[1].at, last, manifest.bytes - 3] {
        fs::write(&path, &whole[..usize::try_from(end).unwrap()]).unwrap();
        assert!(place.verified(&path).unwrap().problems.len() >= 2, "cut at {end}");
        assert!(matches!(backup::list(&place.path()).unwrap()[0].state, State::WrongSize { .. }));
    }
    fs::write(&path, &whole).unwrap();
    let manifest = format!("{}.json", path.display());
    let json = fs::read(&manifest).unwrap();
    for at in (0..json.len()).step_by(97).filter(|at| !json[*at].is_ascii_whitespace()) {
        let mut damaged = json.clone();
        damaged[at] ^= 0x01;
        fs::write(&manifest, &damaged).unwrap();
        let verified = place.verified(&path);
        assert!(verified.is_err(), "byte {at} of the manifest: {}", String::from_utf8_lossy(&damaged));
    }
}

#[test]
fn rows_have_the_same_sum_however_they_are_stored() {
    let place = place().set("format = 'sql.zst'\nproof = 'read'");
    let compressed = place.backup().unwrap().manifest;
    fs::remove_dir_all(place.path()).unwrap();
    let place = place.set("format = 'sql'\nproof = 'read'");
    let plain = place.backup().unwrap();
    assert_eq!(plain.manifest.format, Format::Sql);
    assert_eq!(
        (plain.manifest.bytes, &plain.manifest.sha256),
        (plain.manifest.dump.bytes, &plain.manifest.dump.sha256)
    );
    let sums = |manifest: &backup::Manifest| -> Vec<_> {
        manifest.tables.iter().map(|table| (table.name.clone(), table.digest.clone())).collect()
    };
    assert_eq!(sums(&compressed), sums(&plain.manifest));
    assert!(sums(&compressed).iter().all(|(_, sum)| sum.is_some()));
    assert!(place.verified(&plain.path).unwrap().problems.is_empty());

    place.database.execute("UPDATE wide SET document = document || '!' WHERE id = 1");
    fs::remove_dir_all(place.path()).unwrap();
    let changed = sums(&place.backup().unwrap().manifest);
    let differ: Vec<_> = changed.iter().zip(sums(&compressed)).filter(|(one, other)| **one != *other).collect();
    assert_eq!(differ.len(), 1);
    assert_eq!(differ[0].0.0.name, "wide");
}

/// What version 0.1 wrote is read as before.
#[test]
fn a_manifest_of_format_1_is_still_understood() {
    let place = Place::new("CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 100) i").set("proof = 'read'");
    let Backup { path, manifest } = place.backup().unwrap();
    let mut value = serde_json::to_value(&manifest).unwrap();
    let fields = value.as_object_mut().unwrap();
    for new in ["format", "dump", "frames"] {
        fields.remove(new);
    }
    fields["schemaVersion"] = 1.into();
    fields["source"].as_object_mut().unwrap().remove("extensions");
    fields["tables"][0].as_object_mut().unwrap().remove("digest");
    fs::write(format!("{}.json", path.display()), value.to_string()).unwrap();
    let report = place.verified(&path).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(report.manifest.dump, manifest.dump);
    assert_eq!(backup::list(&place.path()).unwrap()[0].state, State::Good);
}

#[test]
fn verifying_at_a_higher_level_is_recorded() {
    let place = Place::new("CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 100) i").set("proof = 'read'");
    let Backup { path, manifest } = place.backup().unwrap();
    assert_eq!(manifest.proof, Proof::Read);
    let search = prisma_safe::tools::scratch::Search { env: &place.env, pg_bin: None, project: place.directory.path() };
    let report = backup::verify_to(&path, &Keys::none(), Proof::Roundtrip, &search, &shell()).unwrap();
    assert_eq!((report.proof, report.problems.len()), (Proof::Roundtrip, 0));
    let recorded = Archive::open(&path).unwrap().manifest().clone();
    assert_eq!(recorded.proof, Proof::Roundtrip);
    assert!(recorded.proved_at > manifest.proved_at);
}
