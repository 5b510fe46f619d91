// Quick entry without the mouse: reads a scanned card at once, and keeps the fee in step with
// what is typed. Without this script the form does both when it is sent.
"use strict";

(() => {
  for (const box of document.querySelectorAll("[data-card-url]")) {
    const input = box.querySelector("input");
    const says = box.querySelector("[data-card-says]");
    const form = input.form;
    input.addEventListener("keydown", async (event) => {
      // A scanner ends with Enter, some with Tab; the form is not to be sent by that.
      if (!["Enter", "Tab"].includes(event.key) || !input.value.trim()) return;
      event.preventDefault();
      const body = new FormData();
      body.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
      body.set("card", input.value);
      input.value = "";
      const answer = await fetch(box.dataset.cardUrl, { method: "POST", body });
      const card = await answer.json().catch(() => ({}));
      says.textContent = card.says || "";
      says.classList.toggle("mc-late", !card.fields || card.is_doubtful);
      if (!card.fields) return;
      for (const [name, value] of Object.entries(card.fields)) {
        const field = form.elements[name];
        if (field) field.value = value;
      }
      form.dispatchEvent(new CustomEvent("card-read"));
    });
  }

  const form = document.querySelector("form[data-quick]");
  if (!form) return;
  const done = document.getElementById("id_done");
  const questions = () => [...form.querySelectorAll("#quick-questions .mc-field :is(input, select)")];

  // The next thing to be typed, or the last button where nothing is left.
  const goOn = () => (questions().find((field) => !field.value) || done).focus();
  form.addEventListener("card-read", goOn);

  let asked = 0;
  const refresh = async (parts) => {
    asked += 1;
    const mine = asked;
    const query = new URLSearchParams({ procedure: form.elements.procedure.value });
    for (const field of form.querySelectorAll("#quick-questions :is(input, select)")) {
      query.set(field.name, field.value);
    }
    const answer = await fetch(`${form.dataset.part}?${query}`);
    if (!answer.ok || mine !== asked) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of parts) {
      document.getElementById(id).replaceWith(page.getElementById(id));
    }
  };

  form.addEventListener("input", (event) => {
    if (event.target.name === "procedure") {
      refresh(["quick-questions", "quick-fee"]);
    } else if (event.target.closest("#quick-questions")) {
      refresh(["quick-fee"]);
    }
  });
})();
