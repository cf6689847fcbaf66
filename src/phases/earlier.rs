//! Plans as they were written when a plan had one old column and at most one new one: `required`, `becomes`, `[values]` and `[before]`
//! stood beside the columns. They are still read; what is written says it of each column.

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::written;

/// How values go over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Values {
    #[serde(deserialize_with = "written::some_expression")]
    forward: Option<String>,
    #[serde(deserialize_with = "written::some_expression")]
    back: Option<String>,
    may_fail: bool,
}

/// The field's line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Before {
    field: String,
}

impl Plan {
    /// The same plan with everything said of each column.
    pub(super) fn folded(mut self) -> Self {
        let (required, becomes) = (self.required.take(), self.becomes.take());
        let Values { forward, back, may_fail } = self.values.take().unwrap_or_default();
        let before = self.before.take().map(|before| before.field);
        self.may_fail |= may_fail;
        let alone = self.new.is_empty();
        for old in &mut self.old {
            old.required |= required.unwrap_or_default();
            old.before = old.before.take().or_else(|| before.clone());
            let value = if alone { &forward } else { &back };
            old.value = old.value.take().or_else(|| value.clone());
        }
        for new in &mut self.new {
            new.required |= required.unwrap_or_default();
            new.value = new.value.take().or_else(|| forward.clone());
            new.becomes = new.becomes.take().or_else(|| becomes.clone());
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RENAME: &str = "kind = \"rename\"\nmodel = \"Song\"\nschema = \"public\"\ntable = \"Song\"\nrequired = true\n\
        [old]\nfield = \"artist\"\ncolumn = \"artist\"\ntype = \"TEXT\"\n\
        [new]\nfield = \"singer\"\ncolumn = \"singer\"\ntype = \"TEXT\"\n\
        [values]\nforward = \"artist\"\nback = \"singer\"\nmay-fail = true\n[migrations]\nexpand = \"1_expand\"\n\
        [before]\nfield = \"artist String\"\n[contract]\nsql = \"SELECT 1\"\n";

    #[test]
    fn an_earlier_plan_is_read_and_written_anew() {
        let plan = Plan::parse("p", RENAME).unwrap();
        let [old, new] = [&plan.old[0], &plan.new[0]];
        assert_eq!((old.value.as_deref(), new.value.as_deref()), (Some("singer"), Some("artist")));
        assert_eq!(
            (old.before.as_deref(), old.required, new.required, plan.may_fail),
            (Some("artist String"), true, true, true)
        );
        let text = plan.text().unwrap();
        assert!(text.contains("[[old]]") && !text.contains("[values]"), "{text}");
        assert_eq!(Plan::parse("p", &text).unwrap(), plan);
    }

    #[test]
    fn what_fills_an_empty_value_was_the_way_forward() {
        let text = RENAME.replace("rename", "require").replace("back = \"singer\"\n", "");
        let (start, rest) = text.split_once("[new]").unwrap();
        let text = format!("{start}{}", &rest[rest.find("[values]").unwrap()..]);
        let plan = Plan::parse("p", &text).unwrap();
        assert_eq!((plan.old[0].value.as_deref(), plan.old[0].required), (Some("artist"), true));
        assert!(Plan::parse("p", &text.replace("required = true", "required = false")).is_err());
    }
}
