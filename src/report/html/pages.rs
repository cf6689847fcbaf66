//! The templates of every page, the style and the parts that they share.

use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::prose;

const TEMPLATES: [(&str, &str); 5] = [
    // the name decides about escaping: everything in .html is escaped
    ("page.css", include_str!("../../../templates/page.css")),
    ("parts.html", include_str!("../../../templates/parts.html")),
    ("review.html", include_str!("../../../templates/review.html")),
    ("deployment.html", include_str!("../../../templates/deployment.html")),
    ("monitor.html", include_str!("../../../templates/monitor.html")),
];

/// The page of this name, with a line end at its end.
pub(super) fn render(name: &str, page: impl Serialize) -> String {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("prose", prose);
    environment.add_filter("lines", |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>());
    let added = TEMPLATES.iter().try_for_each(|(name, text)| environment.add_template(name, text));
    let page = added.and_then(|()| environment.get_template(name)?.render(minijinja::value::Serde(page)));
    // the templates are part of the program, and tests render them
    page.unwrap_or_else(|error| format!("<!doctype html><pre>{}</pre>", minijinja::HtmlEscape(&format!("{error:#}"))))
        + "\n"
}
