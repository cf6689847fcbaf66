//! What each kind of evidence weighs, in log-odds.

/// A kind of evidence about a pair of columns or tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// How rarely a dropped and an added column are one.
    ColumnBase,
    /// Both have the same type.
    SameType,
    /// The same type, and one that few columns have.
    RareType,
    /// The same type, boolean: two columns are so by chance.
    BooleanType,
    /// Every value fits the new type.
    FittingType,
    /// A value may not fit the new type.
    CheckedType,
    /// Values would be changed by the new type.
    LossyType,
    /// It becomes required.
    BecomesRequired,
    /// It becomes optional.
    BecomesOptional,
    /// Both have the same default.
    SameDefault,
    /// The defaults differ.
    OtherDefault,
    /// How alike the names are.
    Name,
    /// The names have nothing in common.
    StrangeName,
    /// The names mean opposite things.
    OpposedName,
    /// Only one name says key, unit or form.
    OtherForm,
    /// Both names refer to their thing in the same way: both are codes, say.
    SameReference,
    /// The same words were exchanged elsewhere in the migration, the rest of the names staying.
    Repeated,
    /// The same names were exchanged elsewhere in the migration.
    RepeatedWhole,
    /// One column seems split into several, or several merged into one.
    Divided,
    /// Both lead to the same table.
    SameTarget,
    /// They lead to different tables.
    OtherTarget,
    /// Only one of them is a foreign key.
    OneKey,
    /// Both stand in the primary key.
    BothPrimary,
    /// Both stand in a unique index.
    BothUnique,
    /// Both are unique by themselves.
    UniqueAlone,
    /// Both stand in an index.
    BothIndexed,
    /// Only one stands in an index or key, a time each kind.
    OneIndexed,
    /// An index on both, dropped and created alike.
    SameIndex,
    /// Nothing else was dropped from or added to the table.
    OnlyPair,
    /// No other dropped or added column has this type.
    OnlyOfType,
    /// How many more columns come than go, or go than come (logarithm).
    Uneven,
    /// The old name comes up in another table of the migration: moved there?
    Moved,
    /// The same field, under another `@map`.
    SameField,
    /// One of the fields lives on, or was there before.
    OtherField,
    /// The fields have the same attributes.
    SameAttributes,
    /// The fields have the same comment.
    SameComment,
    /// The same relation goes through both.
    SameRelation,
    /// The new field stands where the old one stood.
    SamePlace,
    /// The new field stands near.
    NearPlace,
    /// The new field stands elsewhere.
    OtherPlace,
    /// The old column's values are what the new name promises.
    ValuesKeepPromise,
    /// The old column's values all belong to the new type, which not every value would.
    ValuesOfType,
    /// The old column's values are none that the new one could hold, or promises.
    ValuesAgainst,
    /// How rarely a dropped and a created table are one.
    TableBase,
    /// How many columns the tables share.
    SharedColumns,
    /// How many columns they share that not every table has.
    TellingColumns,
    /// How alike the tables' names are.
    TableName,
    /// The same name in another schema.
    SameTableName,
    /// The tables' names mean opposite things.
    OpposedTableName,
    /// Foreign keys followed.
    Followers,
    /// The only dropped and the only created table.
    OnlyTables,
    /// The same model, under another `@@map`.
    SameModel,
    /// One of the models lives on, or was there before.
    OtherModel,
}

impl Sign {
    /// Whether it takes certainty away: the definitions differ, or the values are hardly the same ones.
    pub(crate) fn speaks_against(self) -> bool {
        matches!(
            self,
            Self::FittingType
                | Self::CheckedType
                | Self::LossyType
                | Self::BecomesRequired
                | Self::BecomesOptional
                | Self::OtherDefault
                | Self::OpposedName
                | Self::OtherForm
                | Self::Divided
                | Self::OtherTarget
                | Self::OneKey
                | Self::OneIndexed
                | Self::Moved
                | Self::OtherField
                | Self::ValuesAgainst
                | Self::OpposedTableName
                | Self::OtherModel
        )
    }

    /// Every sign, with what reason says it weighs before any data is seen, and what it weighs after a fit, rounded.
    /// Where the values themselves would be others (a key to another table, another unit), reason says a lot.
    pub const ALL: &[(Self, f64, f64)] = &[
        (Self::ColumnBase, -3.0, -2.8),
        (Self::SameType, 1.5, 1.9),
        (Self::RareType, 0.3, 0.1),
        (Self::BooleanType, -0.3, -0.2),
        (Self::FittingType, 0.0, -0.2),
        (Self::CheckedType, -3.0, -3.0),
        (Self::LossyType, -3.0, -3.0),
        (Self::BecomesRequired, -0.5, -0.6),
        (Self::BecomesOptional, -0.3, -0.2),
        (Self::SameDefault, 0.5, 0.6),
        (Self::OtherDefault, -0.5, -1.1),
        (Self::Name, 4.0, 4.0),
        (Self::StrangeName, 0.0, -0.1),
        (Self::OpposedName, -4.0, -4.0),
        (Self::OtherForm, -2.0, -1.7),
        (Self::SameReference, 1.0, 0.5),
        (Self::Repeated, 1.0, 1.4),
        (Self::RepeatedWhole, 0.0, -0.6),
        (Self::Divided, -1.5, -2.3),
        (Self::SameTarget, 1.0, 0.8),
        (Self::OtherTarget, -8.0, -8.0),
        (Self::OneKey, -4.0, -4.2),
        (Self::BothPrimary, 0.5, 0.5),
        (Self::BothUnique, 0.5, 0.7),
        (Self::UniqueAlone, 1.0, 1.1),
        (Self::BothIndexed, 0.5, 0.2),
        (Self::OneIndexed, -0.5, -0.7),
        (Self::SameIndex, 0.5, 0.8),
        (Self::OnlyPair, 0.5, 0.1),
        (Self::OnlyOfType, 1.0, 1.7),
        (Self::Uneven, -0.5, -1.0),
        (Self::Moved, -1.0, -0.9),
        (Self::SameField, 6.0, 6.0),
        (Self::OtherField, -4.0, -4.0),
        (Self::SameAttributes, 0.6, 0.6),
        (Self::SameComment, 1.0, 1.0),
        (Self::SameRelation, 2.5, 2.5),
        (Self::SamePlace, 2.0, 2.0),
        (Self::NearPlace, 0.5, 0.5),
        (Self::OtherPlace, -0.8, -0.8),
        (Self::ValuesKeepPromise, 3.0, 3.0),
        (Self::ValuesOfType, 3.0, 3.0),
        (Self::ValuesAgainst, -3.0, -3.0),
        (Self::TableBase, -4.0, -4.1),
        (Self::SharedColumns, 5.0, 6.2),
        (Self::TellingColumns, 1.0, 0.9),
        (Self::TableName, 3.5, 3.6),
        (Self::SameTableName, 4.0, 4.0),
        (Self::OpposedTableName, -3.0, -3.0),
        (Self::Followers, 1.0, 1.0),
        (Self::OnlyTables, 1.0, 1.6),
        (Self::SameModel, 5.0, 5.0),
        (Self::OtherModel, -4.0, -4.0),
    ];
}

/// A weight for each sign.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights([f64; Sign::ALL.len()]);

/// The weights that everything but `make eval` uses.
pub(crate) static STANDARD: Weights = Weights::standard();

impl Weights {
    /// The fitted ones.
    pub const fn standard() -> Self {
        let mut weights = [0.0; Sign::ALL.len()];
        let mut at = 0;
        while at < weights.len() {
            weights[Sign::ALL[at].0 as usize] = Sign::ALL[at].2;
            at += 1;
        }
        Self(weights)
    }

    /// Those from before any data.
    pub fn prior() -> Self {
        let mut weights = Self::standard();
        for (sign, prior, _) in Sign::ALL {
            weights.set(*sign, *prior);
        }
        weights
    }

    /// What a sign weighs.
    pub fn of(&self, sign: Sign) -> f64 {
        self.0[sign as usize]
    }

    /// Gives a sign another weight.
    pub fn set(&mut self, sign: Sign, weight: f64) {
        self.0[sign as usize] = weight;
    }
}
