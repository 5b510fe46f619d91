// A PDF may be dropped on its form instead of being chosen; the form is then sent as always.
"use strict";

(() => {
  for (const form of document.querySelectorAll("form[data-drop]")) {
    const field = form.querySelector(".mc-field");
    const input = form.querySelector("input[type=file]");
    const mark = (isOver) => field.classList.toggle("mc-drop--over", isOver);
    field.classList.add("mc-drop");
    // On a telephone there is nothing to drag.
    form.querySelector(".mc-drop-words").hidden = !matchMedia("(hover: hover)").matches;

    field.addEventListener("dragover", (event) => {
      event.preventDefault();
      mark(true);
    });
    field.addEventListener("dragleave", () => mark(false));
    field.addEventListener("drop", (event) => {
      event.preventDefault();
      mark(false);
      if (!event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      form.requestSubmit();
    });
  }
})();
