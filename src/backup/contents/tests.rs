use super::*;

const HEAD: &str = "--\n-- PostgreSQL database dump\n--\n\n\\restrict k3y\n\n-- Dumped from database version 15.18\n\nSET statement_timeout = 0;\n";
const DATA: &str = "COPY public.\"Song\" (id, artist) FROM stdin;\n1\tAbba\n2\tBj\u{f6}rk\n\\.\n\n";
const FOOT: &str = "--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict k3y\n\n";

fn read(text: &str) -> Result<Contents, Defect> {
    let mut reader = Reader::default();
    for chunk in text.as_bytes().chunks(7) {
        reader.feed(chunk);
    }
    reader.finish()
}

#[test]
fn a_whole_dump_has_its_rows_and_where_they_stand() {
    let text = [HEAD, DATA, FOOT].concat();
    let contents = read(&text).unwrap();
    assert_eq!(contents.bytes, text.len() as u64);
    let [block] = contents.blocks.as_slice() else { panic!("{contents:?}") };
    let (start, length) = (usize::try_from(block.offset).unwrap(), usize::try_from(block.length).unwrap());
    assert_eq!((block.table.to_string().as_str(), block.rows), ("Song", 2));
    assert_eq!(&text[start..start + length], "1\tAbba\n2\tBj\u{f6}rk\n\\.\n");
}

#[test]
fn an_older_dump_without_restrict_is_whole() {
    let text = [HEAD, DATA, FOOT].concat().replace("\\restrict k3y", "").replace("\\unrestrict k3y", "");
    assert!(read(&text).is_ok());
}

#[test]
fn every_cut_is_found() {
    let text = [HEAD, DATA, FOOT].concat();
    // the last line break and the empty line before it carry nothing
    let whole = text.trim_end().len();
    for end in 0..=whole {
        if text.is_char_boundary(end) {
            assert!(read(&text[..end]).is_err(), "cut at byte {end}: {:?}", &text[end.saturating_sub(20)..end]);
        }
    }
    assert!(read(&text[..=whole]).is_ok());
}

#[test]
fn says_where_it_ends() {
    let cut = |at: &str| read([HEAD, DATA, FOOT].concat().split_inclusive(at).next().unwrap());
    assert_eq!(cut("Abba\n"), Err(Defect::EndsInRows { table: "Song".into(), rows: 1 }));
    assert_eq!(cut("2\tBj"), Err(Defect::EndsInRows { table: "Song".into(), rows: 1 }));
    assert_eq!(cut("(id"), Err(Defect::EndsInStatement));
    assert_eq!(cut("\\.\n\n"), Err(Defect::NotComplete));
    assert_eq!(cut("complete\n"), Err(Defect::NotUnrestricted));
}

#[test]
fn the_marker_counts_only_where_pg_dump_writes_it() {
    let fake = "-- PostgreSQL database dump complete\n";
    let data = DATA.replace("\\.\n", &format!("{fake}\\.\n"));
    assert_eq!(read(&[HEAD, &data].concat()), Err(Defect::NotComplete));
    let function = format!("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$\n{fake}$$;\n");
    assert_eq!(read(&[HEAD, &function].concat()), Err(Defect::NotComplete));
}

#[test]
fn nothing_follows_the_end() {
    assert!(matches!(read(&[HEAD, FOOT, DATA].concat()), Err(Defect::AfterEnd { .. })));
    assert!(matches!(read(&[HEAD, FOOT, "SELECT 1;\n"].concat()), Err(Defect::AfterEnd { .. })));
    assert!(read(&[HEAD, FOOT, "SELECT 1"].concat()).is_err());
}

#[test]
fn psql_commands_are_refused() {
    for command in ["\\! touch x", "\\unrestrict k3y", "\\restrict other", "\\connect postgres"] {
        let text = [HEAD, command, "\n", FOOT].concat();
        assert!(matches!(read(&text), Err(Defect::Command { .. })), "{command}");
    }
    let text = [HEAD, DATA, &FOOT.replace("k3y", "other")].concat();
    assert!(matches!(read(&text), Err(Defect::Command { .. })));
}

#[test]
fn large_objects_are_no_rows() {
    let blobs = "SELECT pg_catalog.lo_create('16404');\n\nBEGIN;\n\nSELECT pg_catalog.lo_open('16404', 131072);\nSELECT pg_catalog.lowrite(0, '\\x436f7079');\nSELECT pg_catalog.lo_close(0);\n\nCOMMIT;\n\n";
    assert_eq!(read(&[HEAD, blobs, DATA, FOOT].concat()).unwrap().blocks.len(), 1);
}
