//! What a deployment's record holds: the beginning and end of each stage, and what was learned in it.

use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::database::Identity;

/// A part of a deployment. They come in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// What stands in the way.
    Preflight,
    /// What the SQL does.
    Review,
    /// A person's word.
    Consent,
    /// For the time that `--at` names.
    Wait,
    /// The way back.
    Backup,
    /// The same deploy on a copy.
    Rehearsal,
    /// The migrations.
    Apply,
    /// The database afterwards.
    Verify,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Preflight => "preflight",
            Self::Review => "review",
            Self::Consent => "consent",
            Self::Wait => "wait for its time",
            Self::Backup => "backup",
            Self::Rehearsal => "rehearsal",
            Self::Apply => "apply",
            Self::Verify => "verification",
        })
    }
}

/// A migration that a deployment is to apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The directory's name.
    pub name: String,
    /// Of its text, as Prisma computes it.
    pub checksum: String,
}

/// One step of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// It began. The target is named by [`crate::database::DatabaseUrl::identity`], and as its server names it.
    Started {
        version: String,
        target: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<Identity>,
        pending: Vec<Planned>,
    },
    /// It goes on where the deployment of this record was cut short or failed.
    Resumes { record: PathBuf },
    /// A stage begins.
    StageStarted { stage: Stage },
    /// A stage is done; one that fails is ended by [`Event::Failed`].
    StageEnded { stage: Stage, milliseconds: u64 },
    /// Nothing stood in the way.
    Preflight { server_version: String },
    /// The review let it pass; the report as `review` prints it. Older files are without.
    Review {
        plan_hash: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        report: Option<Value>,
    },
    /// Someone consented to losing data.
    Consent { how: String, reason: Option<String> },
    /// A backup was taken and proved.
    Backup { file: PathBuf, sha256: String },
    /// No backup was taken, and why.
    BackupSkipped { reason: String },
    /// The pending migrations ran on a copy; the report as `rehearse` prints it.
    Rehearsal { report: Value },
    /// The rehearsal was skipped, and why.
    RehearsalSkipped { reason: String },
    /// A migration begins.
    Applying { name: String, checksum: String },
    /// A session that was in the way was ended, as the settings say.
    SessionEnded { session: String },
    /// It is committed.
    Applied { name: String, milliseconds: u64, tries: u32 },
    /// What the migration destroys was kept in its own transaction; the capsule as `rollback` reads it.
    Capsule { name: String, capsule: Value },
    /// A data step begins.
    StepStarted { name: String },
    /// It came to its end, or was not needed; the end of what it printed.
    StepEnded { name: String, milliseconds: u64, output: String },
    /// It failed, or took too long.
    StepFailed { name: String, error: String, output: String },
    /// The database was looked at afterwards; the report as `verify` or `rollback` prints it.
    Verified { sound: bool, report: Value },
    /// A rollback began; the migrations it undoes, newest first.
    RollbackStarted {
        version: String,
        target: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<Identity>,
        migrations: Vec<String>,
    },
    /// A migration was rolled back; the report as `rollback` prints it.
    RolledBack { name: String, report: Value },
    /// The end of a deployment that did what it should.
    Finished,
    /// The end of one that did not.
    Failed { error: String },
    /// A later deployment found this one cut short, and said so.
    Explained { text: String },
}

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in UTC.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}
