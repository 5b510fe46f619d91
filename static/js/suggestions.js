/* Suggestions under the search field: htmx fetches them, this lets the keyboard walk them.
 *
 * Without it, and without htmx, the form answers in full; nothing here is needed.
 */
"use strict";

// The policy allows neither injected style nor eval, and needs neither.
htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;
htmx.config.historyEnabled = false;

(() => {
  const field = document.getElementById("tim-thu-tuc");
  const box = document.getElementById("goi-y-thu-tuc");
  if (!field || !box) {
    return;
  }

  const close = () => {
    box.replaceChildren();
  };

  field.form.addEventListener("keydown", (event) => {
    const stops = [field, ...box.querySelectorAll("a")];
    if (event.key === "Escape" && stops.length > 1) {
      event.preventDefault();
      close();
      field.focus();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const place = stops.indexOf(document.activeElement);
    const next = stops[place + step];
    if (step && place >= 0 && next) {
      event.preventDefault();
      next.focus();
    }
  });

  document.addEventListener("click", (event) => {
    if (!field.form.contains(event.target)) {
      close();
    }
  });
})();
