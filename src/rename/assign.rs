//! One-to-one assignment with the best total: the Hungarian method on gains.

/// Pairs rows with columns so that the sum of `gain` is greatest; pairs without a positive gain are left out.
/// Gives for each row its column.
pub(crate) fn assign(gain: &[Vec<f64>]) -> Vec<Option<usize>> {
    let rows = gain.len();
    let columns = gain.first().map_or(0, Vec::len);
    let size = rows.max(columns);
    if rows == 0 || columns == 0 {
        return vec![None; rows];
    }
    // costs of a square matrix, padded with pairs that cost nothing
    let cost = |i: usize, j: usize| -> f64 {
        gain.get(i - 1).and_then(|row| row.get(j - 1)).map_or(0.0, |gain| -gain.max(0.0))
    };
    let mut row_price = vec![0.0; size + 1];
    let mut column_price = vec![0.0; size + 1];
    let mut row_of = vec![0usize; size + 1];
    for row in 1..=size {
        row_of[0] = row;
        let mut at = 0;
        let mut least = vec![f64::INFINITY; size + 1];
        let mut way = vec![0usize; size + 1];
        let mut used = vec![false; size + 1];
        while row_of[at] != 0 {
            used[at] = true;
            let current = row_of[at];
            let (mut delta, mut next) = (f64::INFINITY, 0);
            for column in 1..=size {
                if used[column] {
                    continue;
                }
                let reduced = cost(current, column) - row_price[current] - column_price[column];
                if reduced < least[column] {
                    least[column] = reduced;
                    way[column] = at;
                }
                if least[column] < delta {
                    delta = least[column];
                    next = column;
                }
            }
            for column in 0..=size {
                if used[column] {
                    row_price[row_of[column]] += delta;
                    column_price[column] -= delta;
                } else {
                    least[column] -= delta;
                }
            }
            at = next;
        }
        while at != 0 {
            let before = way[at];
            row_of[at] = row_of[before];
            at = before;
        }
    }
    let mut result = vec![None; rows];
    for (column, &row) in row_of.iter().enumerate().skip(1) {
        if (1..=rows).contains(&row) && column <= columns && gain[row - 1][column - 1] > 0.0 {
            result[row - 1] = Some(column - 1);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_best_total_beats_the_best_first_pair() {
        let gain = vec![vec![0.9, 0.8], vec![0.85, 0.1]];
        assert_eq!(assign(&gain), [Some(1), Some(0)]);
    }

    #[test]
    fn worthless_pairs_are_left_out() {
        assert_eq!(assign(&[vec![0.0, 0.5], vec![0.0, 0.4]]), [Some(1), None]);
        assert_eq!(assign(&[]), Vec::<Option<usize>>::new());
        assert_eq!(assign(&[vec![], vec![]]), [None, None]);
    }

    fn best(gain: &[Vec<f64>], row: usize, taken: &mut Vec<bool>) -> f64 {
        if row == gain.len() {
            return 0.0;
        }
        let mut total = best(gain, row + 1, taken);
        for column in 0..taken.len() {
            if !taken[column] {
                taken[column] = true;
                total = total.max(gain[row][column] + best(gain, row + 1, taken));
                taken[column] = false;
            }
        }
        total
    }

    proptest! {
        #[test]
        fn no_assignment_is_better(rows in 1usize..5, columns in 1usize..5, seed in proptest::collection::vec(0u8..100, 25)) {
            let gain: Vec<Vec<f64>> =
                (0..rows).map(|i| (0..columns).map(|j| f64::from(seed[i * 5 + j]) / 100.0).collect()).collect();
            let total: f64 = assign(&gain).iter().enumerate().filter_map(|(i, j)| j.map(|j| gain[i][j])).sum();
            prop_assert!((total - best(&gain, 0, &mut vec![false; columns])).abs() < 1e-9);
        }
    }
}
