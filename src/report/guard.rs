//! `guard status`.

use serde_json::{Value, json};

use crate::guard::{Settings, Standing, State, settings};

/// The settings, a line each.
pub fn said(settings: &Settings) -> Vec<String> {
    let mut lines = vec![format!("may deploy: {}", settings.deployers.join(", "))];
    if !settings.tables.is_empty() {
        let tables =
            if settings.tables == [settings::EVERY_TABLE] { "every table".into() } else { settings.tables.join(", ") };
        let but = match settings.applications.as_slice() {
            [] => String::new(),
            roles => format!(", but by {}", roles.join(", ")),
        };
        lines.push(format!("not to be emptied: {tables}{but}"));
    }
    lines
}

/// For people.
pub fn text(state: &State, target: &str) -> String {
    let mut lines = vec![target.to_owned()];
    let what = match (state.standing, &state.open_until) {
        (Standing::Off, _) => "  the database has no guard",
        (Standing::On, Some(_)) => "  the guard is on, and open",
        (Standing::On, None) => "  the guard is on",
        (Standing::Partial, _) => "  the guard is not whole",
        (Standing::Asleep, _) => "  the guard sleeps: it was switched on for the database that this one is a copy of",
    };
    lines.push(what.into());
    if let Some(settings) = &state.settings {
        lines.push(format!("  schemas: {}", settings.schemas.join(", ")));
        lines.extend(said(settings).into_iter().map(|line| format!("  {line}")));
    }
    lines.extend(state.owner.iter().map(|owner| format!("  may switch it off: {owner}, and superusers")));
    lines.extend(state.open_until.iter().map(|until| format!("  open until {until}: everything passes")));
    lines.extend(state.problems.iter().map(|problem| format!("  {problem}")));
    for entry in &state.journal {
        let reason = entry.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
        lines.push(format!("  {} {} by {}{reason}", entry.at, entry.event, entry.role));
    }
    match (state.standing, state.possible) {
        (Standing::Off, Some(false)) => lines.push(
            "next: this role may not create event triggers; `prisma-safe guard on --url …` as an administrator, or the \
             second best that `prisma-safe guard plan` prints"
                .into(),
        ),
        (Standing::On, _) => {}
        _ => lines.push("next: `prisma-safe guard on`".into()),
    }
    lines.push(String::new());
    lines.join("\n")
}

/// For programs: `schemas/guard.schema.json`.
pub fn document(state: &State, target: &str) -> Value {
    let journal = state.journal.iter().map(|entry| {
        json!({ "at": entry.at, "role": entry.role, "event": entry.event, "reason": entry.reason, "until": entry.until })
    });
    json!({
        "schemaVersion": 1,
        "target": target,
        "state": state.standing.word(),
        "openUntil": state.open_until,
        "settings": state.settings.as_ref().map(|settings| json!({
            "schemas": settings.schemas,
            "deployers": settings.deployers,
            "applications": settings.applications,
            "tables": settings.tables,
        })),
        "owner": state.owner,
        "problems": state.problems,
        "eventTriggersAllowed": state.possible,
        "journal": journal.collect::<Vec<_>>(),
    })
}
