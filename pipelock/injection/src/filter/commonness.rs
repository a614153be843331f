//! How common a group of bytes is in texts that nobody looks for, so that the rarest of a word's is
//! chosen.

use std::collections::BTreeMap;

/// The commonest words of English and of source code.
const SAMPLE: &str = " the of and to in is it that for as with was on be are this by from at not or have an which \
    but all they you one were when we there can an your has more if will each about how up out \
    them then she many some so these would other into her like him time see no could make than \
    first been its who now people my made over did down only way find use may water long little \
    very after words called just where most know get through back much before go good new write \
    our used me man too any day same right look think also around another came come work three \
    word must because does part even place well such here take why things help put years \
    different away again off went old number great tell men say small every found still between \
    name should home give air line set own under read last never us left end along while might \
    next below saw something thought both few those always looked show large often together \
    asked house world going want school important until form food keep children feet land side \
    without boy once animal life enough took sometimes four head above kind began almost live \
    page got error function return returns returned string value values file files line lines \
    list type types test tests case default option options command data code name names number \
    size text user users result results let mut self impl struct enum match none some vec push \
    self.len assert_eq unwrap error ok const static import export from async await class def \
    true false null undefined object array index item items key keys path paths request response \
    server client request host http https url json status message messages id set get add remove \
    create update delete start stop run running open close closed read reads write writes buffer \
    stream channel thread task event events handler config version build package module crate \
    public private include iter into_iter map filter collect clone format print println span div \
    class href style width height color content title body ";

/// How often what may be part of a group stands in the sample.
#[derive(Debug)]
pub(super) struct Commonness(BTreeMap<&'static [u8], u32>);

impl Commonness {
    pub(super) fn new() -> Self {
        let mut counts = BTreeMap::new();
        for part in (2..=4).flat_map(|len| SAMPLE.as_bytes().windows(len)) {
            *counts.entry(part).or_default() += 1;
        }
        Self(counts)
    }

    /// Of a group: what its pairs and triples make it where the sample does not hold it.
    pub(super) fn of(&self, group: &[u8]) -> u32 {
        (2..=4).fold(0, |sum, len| {
            let count = |part: &[u8]| self.0.get(part).copied().unwrap_or_default();
            32 * sum + group.windows(len).map(count).sum::<u32>()
        })
    }
}
