//! Trees of predicates, kept flat: children before parents, so that nothing here ever recurses.
//!
//! A predicate nested a million deep is built, copied, compared, printed and dropped in constant stack. Whoever turns a
//! predicate into something else (a SQL string, an engine's own expression) walks [`Node`]s once with a stack of results.

/// One node of a predicate. Nodes stand in postfix order: every operand before its operator.
///
/// # Examples
/// ```
/// use datashard_spec::expr::{Node, col};
///
/// let predicate = col("a").is_null().or(col("b").is_nan()).and(col("c").is_nan());
/// let shape: Vec<String> = predicate
///     .nodes()
///     .iter()
///     .map(|node| match node {
///         Node::Leaf(leaf) => leaf.term.name().to_owned(),
///         Node::Or(count) => format!("or {count}"),
///         Node::And(count) => format!("and {count}"),
///         other => format!("{other:?}"),
///     })
///     .collect();
/// assert_eq!(shape, ["a", "b", "or 2", "c", "and 2"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "these are the connectives of logic")]
pub enum Node<L> {
    /// Always true.
    True,
    /// Always false.
    False,
    /// A test of one term.
    Leaf(L),
    /// The negation of the operand before it.
    Not,
    /// The conjunction of this many operands before it, at least two.
    And(usize),
    /// The disjunction of this many operands before it, at least two.
    Or(usize),
}

/// A tree in postfix order. Never empty; every operator has its operands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Tree<L> {
    nodes: Vec<Node<L>>,
}

/// Which of the two n-ary operators.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connective {
    And,
    Or,
}

impl Connective {
    fn node<L>(self, count: usize) -> Node<L> {
        match self {
            Self::And => Node::And(count),
            Self::Or => Node::Or(count),
        }
    }

    fn operands<L>(self, node: Option<&Node<L>>) -> Option<usize> {
        match (self, node) {
            (Self::And, Some(Node::And(count))) | (Self::Or, Some(Node::Or(count))) => Some(*count),
            _ => None,
        }
    }
}

impl<L> Tree<L> {
    pub(crate) fn constant(truth: bool) -> Self {
        Self { nodes: vec![if truth { Node::True } else { Node::False }] }
    }

    pub(crate) fn leaf(leaf: L) -> Self {
        Self { nodes: vec![Node::Leaf(leaf)] }
    }

    pub(crate) fn nodes(&self) -> &[Node<L>] {
        &self.nodes
    }

    pub(crate) fn is_constant(&self, truth: bool) -> bool {
        matches!((self.nodes.as_slice(), truth), ([Node::True], true) | ([Node::False], false))
    }

    pub(crate) fn leaves(&self) -> impl Iterator<Item = &L> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Leaf(leaf) => Some(leaf),
            _ => None,
        })
    }

    /// Joins two trees; `a and b and c` is one node with three operands however it was put together.
    pub(crate) fn join(mut self, connective: Connective, mut other: Self) -> Self {
        let mut count = 0_usize;
        for tree in [&mut self, &mut other] {
            let operands = connective.operands(tree.nodes.last());
            if operands.is_some() {
                tree.nodes.pop();
            }
            count = count.saturating_add(operands.unwrap_or(1));
        }
        self.nodes.append(&mut other.nodes);
        self.nodes.push(connective.node(count));
        self
    }

    /// Negates; a second negation takes the first away.
    pub(crate) fn negate(mut self) -> Self {
        match self.nodes.last() {
            Some(Node::Not) => {
                self.nodes.pop();
            }
            _ => self.nodes.push(Node::Not),
        }
        self
    }

    /// The number of levels, 1 for a leaf.
    pub(crate) fn depth(&self) -> usize {
        let mut depths: Vec<usize> = Vec::new();
        for node in &self.nodes {
            let below = match node {
                Node::True | Node::False | Node::Leaf(_) => 0,
                Node::Not => depths.pop().unwrap_or(0),
                Node::And(count) | Node::Or(count) => {
                    depths.drain(depths.len().saturating_sub(*count)..).max().unwrap_or(0)
                }
            };
            depths.push(below.saturating_add(1));
        }
        depths.pop().unwrap_or(0)
    }

    /// For each node, where its subtree starts.
    pub(crate) fn starts(&self) -> Vec<usize> {
        let mut starts = Vec::with_capacity(self.nodes.len());
        let mut open: Vec<usize> = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            let start = match node {
                Node::True | Node::False | Node::Leaf(_) => at,
                Node::Not => open.pop().unwrap_or(at),
                Node::And(count) | Node::Or(count) => {
                    open.drain(open.len().saturating_sub(*count)..).next().unwrap_or(at)
                }
            };
            open.push(start);
            starts.push(start);
        }
        starts
    }

    /// For each node, whether it stands under an odd number of negations.
    fn negations(&self) -> Vec<bool> {
        let mut negated = vec![false; self.nodes.len()];
        // Operators seen on the way from the root, with how many operands are still to come.
        let mut open: Vec<(usize, bool)> = Vec::new();
        for (node, flag) in self.nodes.iter().zip(&mut negated).rev() {
            while open.last().is_some_and(|(left, _)| *left == 0) {
                open.pop();
            }
            if let Some((left, inherited)) = open.last_mut() {
                *left = left.saturating_sub(1);
                *flag = *inherited;
            }
            match node {
                Node::True | Node::False | Node::Leaf(_) => {}
                Node::Not => open.push((1, !*flag)),
                Node::And(count) | Node::Or(count) => open.push((*count, *flag)),
            }
        }
        negated
    }

    /// Replaces every leaf by a tree, with negations pushed down into the leaves (the flag passed to `replace`), constants
    /// folded and nested operators of one kind merged. The result holds no [`Node::Not`], and a constant only alone.
    pub(crate) fn rewrite<M, E>(
        &self,
        mut replace: impl FnMut(&L, bool) -> Result<Tree<M>, E>,
    ) -> Result<Tree<M>, E> {
        let mut out: Vec<Tree<M>> = Vec::new();
        for (node, negated) in self.nodes.iter().zip(self.negations()) {
            match node {
                Node::True => out.push(Tree::constant(!negated)),
                Node::False => out.push(Tree::constant(negated)),
                Node::Leaf(leaf) => out.push(replace(leaf, negated)?),
                Node::Not => {}
                Node::And(count) | Node::Or(count) => {
                    let conjunction = matches!(node, Node::And(_)) != negated;
                    let connective = if conjunction { Connective::And } else { Connective::Or };
                    let operands = out.split_off(out.len().saturating_sub(*count));
                    out.push(Tree::all(connective, operands));
                }
            }
        }
        Ok(out.pop().unwrap_or_else(|| Tree::constant(true)))
    }

    /// The operands joined, constants folded. Of none: true for `And`, false for `Or`.
    pub(crate) fn all(connective: Connective, operands: impl IntoIterator<Item = Self>) -> Self {
        let neutral = connective == Connective::And;
        let mut joined: Option<Self> = None;
        for operand in operands {
            if operand.is_constant(!neutral) {
                return operand;
            }
            if operand.is_constant(neutral) {
                continue;
            }
            joined = Some(match joined {
                None => operand,
                Some(tree) => tree.join(connective, operand),
            });
        }
        joined.unwrap_or_else(|| Self::constant(neutral))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn and(a: Tree<u8>, b: Tree<u8>) -> Tree<u8> {
        a.join(Connective::And, b)
    }

    fn or(a: Tree<u8>, b: Tree<u8>) -> Tree<u8> {
        a.join(Connective::Or, b)
    }

    #[test]
    fn operators_of_one_kind_become_one_node() {
        let tree = and(and(Tree::leaf(1), Tree::leaf(2)), and(Tree::leaf(3), Tree::leaf(4)));
        assert_eq!(tree.nodes().last(), Some(&Node::And(4)));
        assert_eq!(tree.depth(), 2);
    }

    #[test]
    fn rewriting_pushes_negations_down_and_folds_constants() {
        // not (1 or (2 and true) or not 3) = not 1 and not 2 and 3
        let tree =
            or(or(Tree::leaf(1), and(Tree::leaf(2), Tree::constant(true))), Tree::leaf(3).negate()).negate();
        let flat = tree.rewrite(|leaf, negated| Ok::<_, ()>(Tree::leaf((*leaf, negated)))).unwrap();
        let expected = [Node::Leaf((1, true)), Node::Leaf((2, true)), Node::Leaf((3, false)), Node::And(3)];
        assert_eq!(flat.nodes(), expected);
    }

    #[test]
    fn an_absorbing_constant_takes_all() {
        let tree = and(or(Tree::leaf(1), Tree::constant(true)), Tree::constant(false));
        let flat = tree.rewrite(|leaf, _| Ok::<_, ()>(Tree::leaf(*leaf))).unwrap();
        assert!(flat.is_constant(false));
    }

    #[test]
    fn starts_span_the_subtrees() {
        let tree = or(and(Tree::leaf(1), Tree::leaf(2)).negate(), Tree::leaf(3));
        assert_eq!(tree.starts(), [0, 1, 0, 0, 4, 0]);
    }
}
