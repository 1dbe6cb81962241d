//! Predicates as decision programs: a row of leaves with jumps.
//!
//! With negations pushed down, `and` and `or` only decide which leaf to look at next. A run needs no stack, allocates
//! nothing, and stops as soon as the answer is known.

use super::tree::{Node, Tree};

const ACCEPT: usize = usize::MAX;
const REJECT: usize = usize::MAX - 1;

/// A tree without negations, compiled.
#[derive(Debug, Clone)]
pub(crate) struct Program<L> {
    tree: Tree<L>,
    /// In the order of the leaves; jumps only go forward.
    steps: Vec<Step>,
    start: usize,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    /// Where the leaf stands in the tree.
    node: usize,
    on_true: usize,
    on_false: usize,
}

/// An operator on the way from the root to the node at hand.
struct Open {
    conjunction: bool,
    left: usize,
    on_true: usize,
    on_false: usize,
    /// The first step of the operand to the right.
    next: Option<usize>,
}

impl<L> Program<L> {
    /// Compiles a tree as [`Tree::rewrite`] makes them.
    pub(crate) fn new(tree: Tree<L>) -> Self {
        let mut at = tree.leaves().count();
        let mut steps = Vec::with_capacity(at);
        let mut open: Vec<Open> = Vec::new();
        // From the root down and from right to left, so that a leaf knows what comes after it.
        for (index, node) in tree.nodes().iter().enumerate().rev() {
            let (on_true, on_false) = match open.last() {
                None => (ACCEPT, REJECT),
                Some(Open { conjunction: true, next, on_true, on_false, .. }) => {
                    (next.unwrap_or(*on_true), *on_false)
                }
                Some(Open { next, on_true, on_false, .. }) => (*on_true, next.unwrap_or(*on_false)),
            };
            match node {
                Node::And(count) | Node::Or(count) => {
                    let conjunction = matches!(node, Node::And(_));
                    open.push(Open { conjunction, left: *count, on_true, on_false, next: None });
                    continue;
                }
                Node::Leaf(_) => {
                    at = at.saturating_sub(1);
                    steps.push(Step { node: index, on_true, on_false });
                }
                // A constant stands alone, and negations are gone.
                Node::True | Node::False | Node::Not => {}
            }
            while let Some(parent) = open.last_mut() {
                parent.next = Some(at);
                parent.left = parent.left.saturating_sub(1);
                if parent.left > 0 {
                    break;
                }
                open.pop();
            }
        }
        steps.reverse();
        let start = if !steps.is_empty() {
            0
        } else if tree.is_constant(true) {
            ACCEPT
        } else {
            REJECT
        };
        Self { tree, steps, start }
    }

    pub(crate) fn tree(&self) -> &Tree<L> {
        &self.tree
    }

    /// Whether the predicate holds where `holds` says so of each leaf.
    pub(crate) fn run(&self, mut holds: impl FnMut(&L) -> bool) -> bool {
        let mut at = self.start;
        while let Some(step) = self.steps.get(at) {
            let Some(Node::Leaf(leaf)) = self.tree.nodes().get(step.node) else { return false };
            at = if holds(leaf) { step.on_true } else { step.on_false };
        }
        at == ACCEPT
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "test code on small numbers")]
mod tests {
    use proptest::prelude::*;

    use super::super::tree::Connective;
    use super::*;

    fn trees() -> impl Strategy<Value = Tree<u8>> {
        let leaf = (0_u8..8).prop_map(Tree::leaf);
        leaf.prop_recursive(5, 40, 4, |inner| {
            (any::<bool>(), proptest::collection::vec(inner, 2..4)).prop_map(|(conjunction, operands)| {
                Tree::all(if conjunction { Connective::And } else { Connective::Or }, operands)
            })
        })
    }

    /// The meaning of a tree, straight from its nodes.
    fn by_definition(tree: &Tree<u8>, bits: u8) -> bool {
        let mut stack: Vec<bool> = Vec::new();
        for node in tree.nodes() {
            let value = match node {
                Node::True => true,
                Node::False => false,
                Node::Leaf(bit) => bits & (1 << bit) != 0,
                Node::Not => !stack.pop().unwrap(),
                Node::And(count) => stack.split_off(stack.len() - count).iter().all(|v| *v),
                Node::Or(count) => stack.split_off(stack.len() - count).iter().any(|v| *v),
            };
            stack.push(value);
        }
        stack.pop().unwrap()
    }

    proptest! {
        #[test]
        fn a_program_means_what_its_tree_means(tree in trees(), bits: u8) {
            let expected = by_definition(&tree, bits);
            prop_assert_eq!(Program::new(tree).run(|bit| bits & (1 << bit) != 0), expected);
        }
    }

    #[test]
    fn constants_decide_without_looking() {
        assert!(Program::new(Tree::<u8>::constant(true)).run(|_| false));
        assert!(!Program::new(Tree::<u8>::constant(false)).run(|_| true));
    }
}
