//! What the pending migrations destroy is planned before anything runs, and kept while they do.

use super::Deployment;
use crate::catalog::Catalog;
use crate::catalog::live::{Live, OWN_SCHEMA};
use crate::database::DatabaseUrl;
use crate::deploy::back_up::Taken;
use crate::deploy::{Event, Hook, Journal, NoHook, Prepared, Route, Runner, Sectioned};
use crate::error::{Error, Explain as _, Result};
use crate::project::Migration;
use crate::rehearsal::Data;
use crate::rehearsal::pending::Played;
use crate::review::against;
use crate::sql::quote_identifier;
use crate::target::BackupPolicy;
use crate::undo::settings::said;
use crate::undo::{self, Keeper, Measured, Otherwise, Plan, Rights, Settings};

/// Around so many migrations, the last ones, the definitions of a database that was empty before are read.
const READ_AROUND: usize = 10;

impl Deployment<'_> {
    /// What will be kept of each migration; none where nothing can be. Where a migration destroys something that cannot be
    /// kept, the configuration says whether the deploy goes on.
    pub(super) fn plan_capsules(
        &mut self,
        routes: &[Route],
        played: Option<&Played>,
        covered: bool,
    ) -> Result<Vec<Option<Plan>>> {
        let settings = self.command.config.undo;
        if !settings.enabled {
            return Ok(self.pending.iter().map(|_| None).collect());
        }
        let mut plans = Vec::new();
        for (migration, (plan, why)) in self.pending.iter().zip(self.plans(routes, played, &settings)?) {
            self.say_plan(migration, &plan, why.as_deref());
            if let Some(why) = &why {
                self.without(migration, why, &settings, covered)?;
            }
            // of one that destroys nothing, the definitions before it are kept in the project
            plans.push(Some(plan).filter(|_| why.is_none()));
        }
        let destroying = plans.iter().flatten().filter(|plan| !plan.is_empty()).count();
        if destroying > 0 && !self.tells_each() {
            let (shell, keep) = (&self.command.context.shell, said(settings.keep));
            shell.status("Keeping", format_args!("for {keep} what {destroying} of {} migrations destroy", plans.len()));
        }
        Ok(plans)
    }

    /// Where no backup makes up for a capsule, what cannot be kept is refused before a backup is taken in vain.
    pub(super) fn refuse_unkept(&mut self, routes: &[Route]) -> Result<()> {
        let settings = self.command.config.undo;
        if !settings.enabled || settings.otherwise != Otherwise::Refuse {
            return Ok(());
        }
        for (migration, (_, why)) in self.pending.iter().zip(self.plans(routes, None, &settings)?) {
            if let Some(why) = why {
                return Err(refusal(migration, &why));
            }
        }
        Ok(())
    }

    /// What would be kept of each migration, or why it cannot be.
    fn plans(
        &mut self,
        routes: &[Route],
        played: Option<&Played>,
        settings: &Settings,
    ) -> Result<Vec<(Plan, Option<String>)>> {
        let rights = undo::rights(&mut self.client).explain(|| "could not ask what this role may do".into())?;
        let mut catalog = self.before_pending()?;
        let mut plans = Vec::new();
        for (migration, route) in self.pending.iter().zip(routes) {
            let mut plan = Plan::of(&mut self.client, migration, &catalog)?;
            // without rows nothing was measured
            if let Some(Played { rehearsal, kept }) = played.filter(|played| played.rehearsal.data == Data::Full) {
                let kept = kept.get(&migration.name).map(Vec::as_slice).unwrap_or_default();
                let measured = Measured { written: &rehearsal.written, kept };
                plan.extend(&mut self.client, migration, &catalog, measured)?;
            }
            plan.unread = self.is_long_ago(plans.len()) && undo::needs_no_definitions(migration, &catalog);
            catalog.apply(migration.script(), &migration.name);
            let why = unkept(&plan, route, rights, settings, &self.target.url);
            plans.push((plan, why));
        }
        Ok(plans)
    }

    /// Whether so many follow on a migration of an empty database's whole history that a rollback hardly comes back to it. All
    /// that is there then comes from the folder, which has its definitions; reading them around each of hundreds is dear.
    fn is_long_ago(&self, at: usize) -> bool {
        !self.preflight.has_tables && at + READ_AROUND < self.pending.len()
    }

    /// What was kept for long enough goes. A deploy that did its work does not fail for it.
    pub(super) fn prune_capsules(&mut self) -> Result<()> {
        let keep = self.command.config.undo.keep;
        let shell = &self.command.context.shell;
        match undo::prune_old(&mut self.client, keep) {
            Ok(pruned) => {
                for (migration, taken_at) in pruned {
                    shell.detail(format_args!("what {migration} destroyed ({taken_at}) is not kept any more"));
                }
            }
            Err(error) => shell.warn(format_args!("{error}: {}", error.causes().join(": "))),
        }
        Ok(())
    }

    /// The target's definitions as the first migration finds them, read once.
    pub(super) fn definitions(&mut self) -> Result<&Live> {
        let read = match self.definitions.take() {
            Some(read) => read,
            None => against::definitions(&mut self.client)?,
        };
        Ok(self.definitions.insert(read))
    }

    /// The target as the pending migrations find it, whatever made its objects.
    pub(super) fn before_pending(&mut self) -> Result<Catalog> {
        if self.world.is_none() {
            let schema = self.target.url.schema();
            self.world = Some(Catalog::of_target(&schema, self.definitions()?));
        }
        Ok(self.world.clone().unwrap_or_default())
    }

    /// Whether it is said of each migration what is kept. An empty database had nothing of it before this deploy.
    fn tells_each(&self) -> bool {
        self.preflight.has_tables || self.command.context.shell.verbose() > 0
    }

    fn say_plan(&self, migration: &Migration, plan: &Plan, why: Option<&str>) {
        if !self.tells_each() {
            return;
        }
        let shell = &self.command.context.shell;
        for unknown in &plan.unknown {
            let kept = if plan.measured.is_some() { "beside what it did on the copy, " } else { "" };
            shell.warn(format_args!("{}: {unknown}, and {kept}that is not kept", migration.name));
        }
        if plan.is_empty() || why.is_some() {
            return;
        }
        let keep = said(self.command.config.undo.keep);
        shell.status("Keeping", format_args!("for {keep} what {} destroys: {}", migration.name, plan.summary()));
        for planned in &plan.planned {
            shell.detail(planned);
        }
    }

    /// Whether a backup makes up for what cannot be saved, or none is wanted.
    pub(super) fn is_covered(&self, taken: &Taken) -> bool {
        matches!(taken, Taken::Backup(..)) || self.target.backup == BackupPolicy::Never
    }

    /// What happens where it cannot be kept.
    fn without(&self, migration: &Migration, why: &str, settings: &Settings, covered: bool) -> Result<()> {
        let what = format!("what {} destroys cannot be kept: {why}", migration.name);
        match settings.otherwise {
            Otherwise::Continue => self.command.context.shell.warn(what),
            Otherwise::Backup if covered => {
                self.command.context.shell.warn(format_args!("{what}; `rollback` would take it from the backup"));
            }
            Otherwise::Backup | Otherwise::Refuse => {
                return Err(refusal(migration, why));
            }
        }
        Ok(())
    }

    /// Applies a migration; what it destroys is kept in the same transaction.
    pub(super) fn apply_keeping(
        &self,
        runner: &mut Runner,
        prepared: &Prepared,
        plan: Option<&Plan>,
        journal: &mut Journal,
    ) -> Result<u32> {
        self.keeping(&prepared.name, plan, journal, |hook, journal| {
            let done = runner.apply(prepared, hook).map_err(Error::from)?;
            self.say_ended(&done.ended, journal)?;
            Ok(done.tries)
        })
    }

    /// Applies a migration section by section; what each destroys is kept in its transaction.
    pub(super) fn apply_sections_keeping(
        &self,
        runner: &mut Runner,
        sections: &Sectioned,
        plan: Option<&Plan>,
        journal: &mut Journal,
    ) -> Result<u32> {
        self.keeping(sections.name(), plan, journal, |hook, _| runner.apply_sections(sections, hook))
    }

    /// Does the work with a hook that keeps what the plan says, and notes what was kept; gives the work's tries.
    fn keeping(
        &self,
        name: &str,
        plan: Option<&Plan>,
        journal: &mut Journal,
        work: impl FnOnce(&mut dyn Hook, &mut Journal) -> Result<u32>,
    ) -> Result<u32> {
        let schema = self.target.url.schema();
        let mut keeper = plan.map(|plan| Keeper::new(plan, &schema));
        let tries = match &mut keeper {
            Some(keeper) => work(keeper, journal),
            None => work(&mut NoHook, journal),
        }?;
        self.kept(name, keeper, plan, journal)?;
        Ok(tries)
    }

    /// Notes what was kept.
    fn kept(&self, name: &str, keeper: Option<Keeper<'_>>, plan: Option<&Plan>, journal: &mut Journal) -> Result<()> {
        let (Some(keeper), Some(plan)) = (keeper, plan) else { return Ok(()) };
        if !keeper.kept.is_empty() {
            let capsule = serde_json::to_value(&keeper.kept).explain(|| "the capsule is no JSON".into())?;
            journal.record(Event::Capsule { name: name.to_owned(), capsule })?;
        }
        if let Some((id, definitions)) = keeper.definitions() {
            let keep = self.command.config.undo.keep;
            undo::definitions::write(self.command.project.root(), &id, definitions, plan.measured.clone(), keep)?;
        }
        Ok(())
    }
}

fn refusal(migration: &Migration, why: &str) -> Error {
    Error::refused(format!("what {} destroys cannot be kept: {why}", migration.name)).help(
        "nothing has happened to the database; give the role the right, raise undo.max-size, or set \
         undo.otherwise = \"continue\" in prisma-safe.toml",
    )
}

/// Why what a migration destroys cannot be kept.
fn unkept(plan: &Plan, route: &Route, rights: Rights, settings: &Settings, url: &DatabaseUrl) -> Option<String> {
    if plan.is_empty() {
        return None;
    }
    if let Route::Alone { why, .. } = route {
        return Some(format!("it runs outside of a transaction ({why})"));
    }
    if rights == Rights::Missing {
        let (database, role) = (url.database(), url.user().unwrap_or_else(|| "CURRENT_USER".into()));
        return Some(format!(
            "{role} may not create or use the schema {OWN_SCHEMA}; the database's owner gives the right: \
             GRANT CREATE ON DATABASE {} TO {};",
            quote_identifier(&database),
            quote_identifier(&role)
        ));
    }
    let bytes = plan.bytes();
    let size = |bytes| indicatif::DecimalBytes(bytes).to_string();
    (bytes > settings.max_size)
        .then(|| format!("about {} is more than undo.max-size, {}", size(bytes), size(settings.max_size)))
}
