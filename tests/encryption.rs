//! Backups that only the holder of a key can read.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;

use crate::restore::{backed_up, backup, beside, drop_beside};
use crate::support::{Output, Project};

fn secret(identity: &Identity) -> String {
    identity.to_string().expose_secret().to_owned()
}

/// A project whose backups are encrypted to `to`; `own` is the key that the machine has.
fn encrypting(to: &[&Identity], own: Option<&Identity>, more: &str) -> (Project, Vec<String>) {
    let (project, plain) = backed_up(3000);
    fs::remove_dir_all(project.path("backups")).expect(&plain);
    let recipients = to.iter().map(|identity| format!("\"{}\"", identity.to_public())).collect::<Vec<_>>().join(", ");
    let identity = own.map(|identity| {
        let file = project.path("home.key");
        fs::write(&file, format!("# created today\n{}\n", secret(identity))).expect("a key");
        format!("identity = \"{}\"\n", file.display())
    });
    project.write(
        "prisma-safe.toml",
        &format!("[backup]\nencrypt = [{recipients}]\n{}{more}\n", identity.unwrap_or_default()),
    );
    let secrets = to.iter().chain(own.iter()).map(|identity| secret(identity)).collect();
    (project, secrets)
}

fn run(project: &Project, secrets: &[String], words: &[&str]) -> Output {
    let output = project.run(words);
    assert!(!secrets.iter().any(|secret| output.everything().contains(secret)), "a key was printed\n{output}");
    output
}

/// No file of the backups holds a row's text.
fn no_plaintext(directory: &Path) -> bool {
    let files = fs::read_dir(directory).expect("files").flatten();
    files.filter(|file| file.path().is_file()).all(|file| {
        let bytes = fs::read(file.path()).expect("a file");
        !bytes.windows(b"artist 17".len()).any(|window| window == b"artist 17")
    })
}

fn backups(project: &Project) -> usize {
    project.files("backups").iter().filter(|file| file.contains(".sql")).count()
}

#[test]
fn is_proved_restored_and_never_plain_on_the_disk() {
    let key = Identity::generate();
    let other = Identity::generate();
    let (project, secrets) = encrypting(&[&key, &other], Some(&key), "proof = \"restored\"\nformat = \"sql\"");
    let before = project.database().contents();
    let name = backup(&project);
    assert!(name.ends_with(".sql.age"), "{name}");
    let path = project.path(&format!("backups/{name}"));
    assert!(no_plaintext(&project.path("backups")));
    // anybody with one of the keys and the age tool reads it
    let file = fs::File::open(&path).expect("a backup");
    let mut plain = String::new();
    let decryptor = age::Decryptor::new(file).expect("a file of age's");
    decryptor.decrypt(std::iter::once(&other as _)).expect("the key").read_to_string(&mut plain).expect("a dump");
    assert!(plain.contains("artist 17") && plain.contains("PostgreSQL database dump complete"));

    run(&project, &secrets, &["backup", "verify", &name]).succeeds().says("3,001 rows");
    let list = run(&project, &secrets, &["backup", "list", "--format", "json"]).succeeds().json();
    assert_eq!(list["backups"][0]["proof"], "restored");
    project.database().execute("DELETE FROM \"Song\"");
    run(&project, &secrets, &["restore", &name]).succeeds();
    assert_eq!(project.database().contents(), before);
    assert!(no_plaintext(&project.path("backups")));
    run(&project, &secrets, &["restore", &name, "--table", "Song"]).succeeds();
    assert_eq!(project.database().value("SELECT count(*) FROM _prisma_safe_side.\"Song\""), "3000");
    drop_beside(project.database());
}

#[test]
fn compressed_and_encrypted_it_is_restored_in_parallel() {
    let key = Identity::generate();
    let (project, secrets) = encrypting(&[&key], None, "proof = \"read\"\nformat = \"sql.zst\"");
    project
        .database()
        .execute("CREATE TABLE other AS SELECT i, repeat(md5(i::text), 20) AS text FROM generate_series(1, 9000) i");
    let before = project.database().contents();
    // the machine that backs up has no key
    let name = backup(&project);
    assert!(name.ends_with(".sql.zst.age"), "{name}");
    let project = project.env("PRISMA_SAFE_AGE_IDENTITY", &secret(&key));
    project.database().execute("DROP TABLE other; DELETE FROM \"Song\"");
    run(&project, &secrets, &["restore", &name]).succeeds();
    assert_eq!(project.database().contents(), before);
    drop_beside(project.database());
}

#[test]
fn a_key_that_does_not_fit_or_is_missing_is_an_error() {
    let (key, wrong) = (Identity::generate(), Identity::generate());
    let (project, secrets) = encrypting(&[&key], Some(&wrong), "proof = \"read\"");
    run(&project, &secrets, &["backup"]).exits(1).says("cannot be decrypted").says("encrypted to other keys");
    assert_eq!(backups(&project), 0);
    let recipients = format!("[backup]\nproof = \"read\"\nencrypt = [\"{}\"]\n", key.to_public());
    project.write("prisma-safe.toml", &recipients);
    let name = backup(&project);
    run(&project, &secrets, &["backup", "verify", &name]).exits(1).says("is encrypted, and no key is at hand");
    run(&project, &secrets, &["restore", &name]).exits(1).says("PRISMA_SAFE_AGE_IDENTITY");
    let project = project.env("PRISMA_SAFE_AGE_IDENTITY", &secret(&wrong));
    run(&project, &secrets, &["restore", &name]).exits(1).says("cannot be decrypted");
    assert_eq!(beside(project.database()), Vec::<String>::new());
    let project = project.env("PRISMA_SAFE_AGE_IDENTITY", "AGE-SECRET-KEY-1NONSENSE");
    project.run(["backup", "verify", &name]).exits(2).says("not an age identity").says_nothing_of("NONSENSE");
}

#[test]
fn what_should_be_encrypted_is_never_a_plain_backup() {
    let key = Identity::generate();
    let (project, secrets) = encrypting(&[&key], None, "proof = \"restored\"");
    run(&project, &secrets, &["backup"]).exits(2).says("needs a key that opens the backups");
    project.write("prisma-safe.toml", "[backup]\nencrypt = []\n");
    project.run(["backup"]).exits(2).says("names no recipient");
    project.write("prisma-safe.toml", &format!("[backup]\nencrypt = [\"{}\"]\n", secret(&key)));
    run(&project, &secrets, &["backup"]).exits(2).says("which is not an age recipient");
    project.write("prisma-safe.toml", "[backup]\nproof = \"read\"\nidentity = \"/nonexistent/key\"\n");
    project.run(["backup"]).exits(2).says("could not read the identity");
    assert_eq!(backups(&project), 0);
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    let key = Identity::generate();
    let (project, secrets) = encrypting(&[&key], Some(&key), "proof = \"read\"");
    let name = backup(&project);
    let path = project.path(&format!("backups/{name}"));
    let whole = fs::read(&path).expect("a backup");
    for at in [whole.len() / 2, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&path, bytes).expect("a write");
        run(&project, &secrets, &["backup", "verify", &name]).exits(1).says("its SHA-256 is not the manifest's");
        run(&project, &secrets, &["restore", &name]).exits(1).says("nothing was restored");
    }
    fs::write(&path, &whole[..whole.len() - 1000]).expect("a write");
    run(&project, &secrets, &["restore", &name]).exits(1);
    assert_eq!(beside(project.database()), Vec::<String>::new());
}
