//! Binary single values (Appendix D).
