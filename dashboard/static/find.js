/* Finding a patient from the keyboard: the arrows walk through the answers, and back to the question. */
"use strict";
(() => {
  const question = document.getElementById("q");
  const answers = [...document.querySelectorAll("a.found")];
  if (!question) return;
  if (answers.length) answers[0].focus();
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = document.activeElement === question;
    const by = { ArrowDown: 1, ArrowUp: -1, ...(typing ? {} : { j: 1, k: -1 }) }[event.key];
    if (!by || !answers.length) return;
    event.preventDefault();
    const to = answers.indexOf(document.activeElement) + by;
    if (to < 0) question.focus();
    else answers[Math.min(to, answers.length - 1)].focus();
  });
})();
