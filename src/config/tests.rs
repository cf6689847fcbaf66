use super::*;

/// The file's text is refused, with `place` and `why` in what is said.
fn refuses(text: &str, place: &str, why: &str) {
    let error = Config::parse(text).map(|_| ()).expect_err(text);
    assert!(error.contains(place), "{text}\n--\n{error}\n-- lacks {place}");
    assert!(error.contains(why), "{text}\n--\n{error}\n-- lacks {why}");
}

#[test]
fn the_reference_says_what_the_defaults_are() {
    assert_eq!(Config::parse(DEFAULTS).unwrap(), Config::default());
    assert_eq!(Config::parse(&commented()).unwrap(), Config::default());
    assert_eq!(Config::parse("").unwrap(), Config::default());
}

/// The reference with every example line taken in: `# key = value`, `# [table]`.
fn examples() -> String {
    let line = regex::Regex::new(r"(?m)^# (\[+[a-z.]+\]+|[a-z.-]+ = .*)$").unwrap();
    let own =
        regex::Regex::new(r"(?m)^(encrypt|maintenance-window|provider|copies|pg-bin|identity|required-copies) = ")
            .unwrap();
    let text = line.replace_all(DEFAULTS, "$1").replace("\"age1…\"", "");
    assert!(own.find_iter(&text).count() >= 7, "{text}");
    text.replace("encrypt = []\n", "")
}

#[test]
fn every_example_of_the_reference_is_understood() {
    Config::parse(&examples()).unwrap();
}

/// Each key of the reference with a value of another type, and with one letter less.
#[test]
fn every_key_refuses_what_it_does_not_take_with_its_line() {
    let text = examples();
    let lines: Vec<&str> = text.lines().collect();
    let mut keys = 0;
    for (at, line) in lines.iter().enumerate() {
        let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) else { continue };
        // Any value may be expected of a query.
        let wrong = if key == "expect" { "[1]" } else { "{ a = 1979-05-27 }" };
        for changed in [format!("{key} = {wrong}"), format!("{}x = 1", &key[..key.len() - 1])] {
            let mut lines = lines.clone();
            lines[at] = &changed;
            let error = Config::parse(&lines.join("\n")).map(|_| ()).expect_err(&changed);
            assert!(error.contains(&format!("line {}", at + 1)), "{changed}: {error}");
            assert!(error.contains('^'), "{changed}: {error}");
        }
        keys += 1;
    }
    assert!(keys > 40, "{keys}");
}

#[test]
fn what_is_out_of_range_is_refused_with_its_line() {
    for (text, place, why) in [
        ("[undo]\nkeep = \"seven days\"", "line 2", "not a length of time"),
        ("[undo]\nkeep = \"-1d\"", "line 2", "not a length of time"),
        ("[undo]\nmax-size = \"lots\"", "line 2", "not a size"),
        ("[undo]\nkep = \"7d\"", "line 2", "unknown field `kep`"),
        ("[undo]\notherwise = \"perhaps\"", "line 2", "`refuse`"),
        ("[deploy]\nlock-timeout-seconds = -5.0", "line 2", "-5 is not a number of seconds"),
        ("[deploy]\nstatement-timeout-seconds = nan", "line 2", "not a number of seconds"),
        ("[deploy]\ndeploy-wait-seconds = inf", "line 2", "not a number of seconds"),
        ("[deploy]\nend-idle-in-transaction-seconds = -1", "line 2", "not a number of seconds"),
        ("[deploy]\nlock-retries = -1", "line 2", "-1"),
        ("[deploy]\nmaintenance-window = \"at night\"", "line 2", "22:00-04:00 Europe/Berlin"),
        ("[deploy]\nmaintenance-window = \"22:00-04:00 Europe/Atlantis\"", "line 2", "unknown time zone"),
        ("[rehearsal]\nmax-lock-seconds = -1", "line 2", "not a number of seconds"),
        ("[rehearsal]\nmax-duration-seconds = -1", "line 2", "not a number of seconds"),
        ("[deploy]\n[rehearsal]\nmode = \"off\"", "line 2", "needs a reason"),
        ("[rehearsal]\nmode = \"of\"\nreason = \"x\"", "line 2", "`off`"),
        ("[backup]\ncopies = [\"ftp://nowhere\"]", "line 2", "none of s3://"),
        ("[backup]\nproof = \"sure\"", "line 2", "`roundtrip`"),
        ("[backup]\nformat = \"zip\"", "line 2", "sql.zst"),
        ("[backup]\nspace-factor = -1", "line 2", "not a number above 0"),
        ("[backup]\nlock-wait-seconds = 99999999999", "line 2", "2147483 seconds at most"),
        ("[backup]\ndirectory = \"\"", "line 2", "has no name"),
        ("[backup]\nrequired-copies = 2\ncopies = [\"s3://a\"]", "line 1", "backup.copies names 1"),
        ("[backup]\nprovider = \"pgbackrest\"", "line 1", "which stanza"),
        ("[backup]\nprovider = \"command\"\ncommand.create = [\"x\"]", "line 1", "[backup.command] check"),
        ("[backup.pgbackrest]\ntype = \"half\"", "line 2", "`diff`"),
        ("[backup.retention]\ndays = 6", "line 2", "less than 7"),
        ("[review.rules]\ndrop-table = \"error\"\ndrop-colum = \"off\"", "line 3", "`drop-column`?"),
        ("[review.rules]\ndrop-table = \"error\"\nunreadable-sql = \"off\"", "line 3", "less than an error"),
        ("[review.rules]\ndrop-table = \"loud\"", "line 2", "loud"),
        ("[[verify.query]]\nname = \"x\"\nsql = \"SELECT 1; COMMIT\"", "line 3", "not one statement"),
        ("[[verify.query]]\nname = \"x\"\nsql = \"SELECT 1\"\nmax-times-slower = 0", "line 4", "above 0"),
        ("[[verify.query]]\nname = \"x\"\nsql = \"SELECT 1\"\nmax-seconds = -2", "line 4", "not a number of seconds"),
        ("[environments.live]\nhosts = [\"a\", \"\"]", "line 2", "no name"),
        ("[environments.live]\nbackup = \"sometimes\"", "line 2", "`never`"),
        ("[environments.live]\nurl = \"mysql://db/x\"", "line 2", "mysql"),
        ("[backups]\ndirectory = \"x\"", "line 1", "unknown field `backups`"),
        ("[backup", "line 1", "unclosed table"),
    ] {
        refuses(text, place, why);
    }
}

#[cfg(feature = "encrypt")]
#[test]
fn recipients_are_read() {
    refuses("[backup]\nencrypt = []", "line 2", "names no recipient");
    refuses("[backup]\nencrypt = [\"age1nonsense\"]", "line 2", "not an age recipient");
}

#[test]
fn no_secret_of_the_file_is_printed() {
    for text in [
        "[environments.live]\nurl = \"postgresql://u:p4ssw0rd@db:x/y\"",
        "[environments.live]\nurl = \"postgresql://u:p4ssw0rd@db/y",
        "[environments.live]\nurl = \"mysql://u:p4ssw0rd@db/y\"",
        "[environments.live]\nurl = \"postgresql:///y?password=p4ssw0rd\"\nurls = 1",
        "[environments.live]\nurls = \"postgresql://u:p4ssw0rd@db/y\"",
        "[environments.live]\nbackup = \"postgresql://u:p4ssw0rd@db/y\"",
        "[backup]\ncopies = [\"s3://key:p4ssw0rd@b/x\"]",
        "[backup]\nencrypt = [\"AGE-SECRET-KEY-1p4ssw0rd\"]",
    ] {
        let Err(error) = Config::parse(text) else { panic!("{text}") };
        assert!(!error.contains("p4ssw0rd"), "{error}");
        assert!(error.contains("line "), "{error}");
    }
}
