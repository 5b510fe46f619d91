// An answer that decides what stands elsewhere on the page has the page drawn anew, with
// everything typed kept; without this script the save buttons do the same.
"use strict";

(() => {
  const form = document.querySelector(".mc-counter form[enctype]");
  if (!form) return;
  form.addEventListener("change", (event) => {
    const part = event.target.closest("[data-decides]");
    const chosen = ["radio", "checkbox", "select-one"].includes(event.target.type);
    if (!part || !chosen) return;
    const button = document.createElement("button");
    Object.assign(button, { type: "submit", name: "redraw", value: part.id, hidden: true });
    form.append(button);
    form.requestSubmit(button);
  });
})();
