use proptest::prelude::*;

use super::*;

fn scan(text: &[u8], chunk: usize) -> Vec<Mark> {
    let mut scanner = Scanner::default();
    let mut marks = Vec::new();
    for chunk in text.chunks(chunk.max(1)) {
        scanner.feed(chunk, &mut marks).unwrap();
    }
    marks
}

/// Tables and their rows, and that nothing is open at the end.
fn counts(text: &[u8]) -> Vec<(String, u64)> {
    let mut counts = Vec::new();
    for mark in scan(text, text.len()) {
        match mark.event {
            Event::Data(table) => counts.push((table.to_string(), u64::MAX)),
            Event::DataEnd { rows } => counts.last_mut().unwrap().1 = rows,
            _ => {}
        }
    }
    counts
}

fn statements(text: &str) -> Vec<&str> {
    let mut start = 0;
    let mut found = Vec::new();
    for mark in scan(text.as_bytes(), 3) {
        let end = usize::try_from(mark.at).unwrap();
        if mark.event == Event::Statement {
            found.push(text[start..end].trim());
        }
        start = end;
    }
    found
}

#[test]
fn counts_rows_that_look_like_anything() {
    let text = br#"COPY public."User" (id, name) FROM stdin;
1	-- PostgreSQL database dump complete
2	COPY public.x FROM stdin;
3	it's "half" $$open (
4	\\.
5	line\nbreak\r\n
\\.
\N	\N

\.
COPY public.empty (id) FROM stdin;
\.
"#;
    assert_eq!(counts(text), [("User".into(), 8), ("empty".into(), 0)]);
}

#[test]
fn reads_names_with_quotes_spaces_semicolons_and_line_breaks() {
    let text = b"COPY \"my \"\"schema\"\"\".\"a;b\nFROM stdin;\" (\"x)\") FROM stdin;\n1\n\\.\nCOPY public.\"\xc3\xa9t\xc3\xa9\"  FROM stdin;\n\n\n\\.\n";
    assert_eq!(counts(text), [("my \\\"schema\\\".a;b\\nFROM stdin;".into(), 1), ("été".into(), 2)]);
}

#[test]
fn takes_crlf_files_as_psql_does() {
    assert_eq!(counts(b"COPY public.t (id) FROM stdin;\r\n1\r\n2\r\n\\.\r\nSELECT 1;\r\n"), [("t".into(), 2)]);
}

#[test]
fn a_copy_that_is_no_statement_is_none() {
    for text in [
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $_$\nCOPY t FROM stdin;\n1\n\\.\n$_$;\n",
        "COMMENT ON TABLE t IS 'x\nCOPY t FROM stdin;\nit''s\n';\n",
        "COMMENT ON TABLE t IS E'it\\'s\nCOPY t FROM stdin;\n';\n",
        "CREATE VIEW v AS SELECT 1 AS \"\nCOPY t FROM stdin;\n\";\n",
        "/* COPY t FROM stdin; /* nested */\nCOPY t FROM stdin;\n*/ SELECT 1;\n",
        "-- COPY t FROM stdin;\nSELECT 1;\n",
        "SELECT $a$ $b$ $$\nCOPY t FROM stdin;\n$a$;\n",
    ] {
        assert_eq!(counts(text.as_bytes()), [], "{text}");
        assert_eq!(statements(text).len(), 1, "{text}");
    }
}

#[test]
fn statements_end_at_their_own_semicolon() {
    let body = "CREATE FUNCTION public.begin(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN a > 0 THEN 1 ELSE 2 END; SELECT 1; END;";
    let rule = "CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2);";
    let text =
        format!("{body}\n{rule}\nCREATE FUNCTION public.begin() RETURNS int AS 'x';\nSELECT a-1, b/2, $1, foo$bar$;\n");
    let expected = [body, rule, "CREATE FUNCTION public.begin() RETURNS int AS 'x';", "SELECT a-1, b/2, $1, foo$bar$;"];
    assert_eq!(statements(&text), expected);
}

#[test]
fn escapes_count_in_every_string_when_the_dump_says_so() {
    let text = "SET standard_conforming_strings = off;\nCOMMENT ON TABLE t IS 'it\\'s;\n';\nSELECT 1;\n";
    assert_eq!(statements(text).len(), 3);
}

#[test]
fn refuses_a_copy_it_cannot_read() {
    for text in ["COPY  FROM stdin;\n1\n", "COPY public.t FROM stdin; SELECT 1;\n"] {
        assert!(Scanner::default().feed(text.as_bytes(), &mut Vec::new()).is_err(), "{text}");
    }
}

/// A dump whose counts are known: tables with rows of awkward text, escaped as the server does it.
fn dump() -> impl Strategy<Value = (Vec<u8>, Vec<u64>)> {
    let name = "[a-z\"; \\n$'()-]{1,8}";
    let cell = "([a-z\\\\.\\n\\r\\t;$'\"/*-]|\\PC){0,12}";
    let table = (name, prop::collection::vec(prop::collection::vec(cell, 1..3), 0..6));
    prop::collection::vec(table, 0..5).prop_map(|tables| {
        let mut text = b"--\n-- PostgreSQL database dump\n--\n\nSET x = 'a;b';\n".to_vec();
        let mut counts = Vec::new();
        for (name, rows) in tables {
            let quoted = name.replace('"', "\"\"");
            text.extend_from_slice(format!("COMMENT ON TABLE \"{quoted}\" IS $x$;'$x$;\n").as_bytes());
            text.extend_from_slice(format!("COPY public.\"{quoted}\" (id) FROM stdin;\n").as_bytes());
            counts.push(rows.len() as u64);
            for row in rows {
                let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
                text.extend_from_slice(cells.join("\t").as_bytes());
                text.push(b'\n');
            }
            text.extend_from_slice(b"\\.\n\n");
        }
        text.extend_from_slice(b"--\n-- PostgreSQL database dump complete\n--\n\n");
        (text, counts)
    })
}

fn escape(cell: &str) -> String {
    cell.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_marks((text, expected) in dump(), size in 1_usize..40) {
        let whole = scan(&text, text.len());
        prop_assert_eq!(&whole, &scan(&text, size));
        let rows: Vec<u64> = whole.iter().filter_map(|mark| match mark.event {
            Event::DataEnd { rows } => Some(rows),
            _ => None,
        }).collect();
        prop_assert_eq!(rows, expected);
    }

    #[test]
    fn any_bytes_are_read_without_panic_and_alike(text in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"COPY$'\"\\\n;-/*.E() FROMstdin".to_vec())], 0..200), size in 1_usize..9) {
        let run = |size: usize| {
            let mut scanner = Scanner::default();
            let mut marks = Vec::new();
            let result = text.chunks(size).try_for_each(|chunk| scanner.feed(chunk, &mut marks));
            (result, marks)
        };
        prop_assert_eq!(run(size), run(text.len().max(1)));
    }
}
