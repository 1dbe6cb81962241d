//! tmp
use crate::base::Base;
use crate::operation::*;
#[derive(Debug, Clone)]
pub struct Append;
#[derive(Debug, Clone)]
pub struct CreateTable;
impl Append {
    pub(crate) fn join(_: &[&Self]) -> Self {
        Self
    }
    pub(crate) fn joins(&self, _: &Self) -> bool {
        true
    }
}
impl Operation for Append {
    fn name(&self) -> &'static str {
        "append"
    }
    fn fingerprint(&self) -> Vec<u8> {
        vec![]
    }
    fn validate(&self, _: Option<&Base>) -> Result<(), Refusal> {
        Ok(())
    }
    fn produce(&self, _: Option<&Base>, _: &Inputs<'_>) -> Result<Produced, Refusal> {
        Err(Refusal::NoTable)
    }
}
impl Operation for CreateTable {
    fn name(&self) -> &'static str {
        "append"
    }
    fn fingerprint(&self) -> Vec<u8> {
        vec![]
    }
    fn validate(&self, _: Option<&Base>) -> Result<(), Refusal> {
        Ok(())
    }
    fn produce(&self, _: Option<&Base>, _: &Inputs<'_>) -> Result<Produced, Refusal> {
        Err(Refusal::NoTable)
    }
}
