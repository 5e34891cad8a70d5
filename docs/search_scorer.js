// How the site's search ranks pages that have the words: what everybody needs first, the reference and the changelog last.
// A heading that has all words comes before a page that has them.
const FIRST = ["faq", "errors", "waiting", "answers", "one-task", "client"];
var Scorer = {
  score: ([page, , , , found, , kind]) => {
    const score = kind === "title" ? found + 14 : found;
    if (FIRST.includes(page)) return score + 3;
    if (page === "changelog") return score - 20;
    if (page.startsWith("reference")) return score - 12;
    return score;
  },
  // The values that Sphinx has itself:
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
