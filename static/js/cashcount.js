// Adds up the banknotes while they are counted; what is sent is checked again by the portal.
(() => {
  const sum = document.getElementById("id_counted");
  const notes = [...document.querySelectorAll("[data-note]")];
  if (!sum || !notes.length) return;
  const count = (input) => (/^\d{1,6}$/.test(input.value.trim()) ? Number(input.value) : 0);
  const grouped = (amount) => String(amount).replace(/\B(?=(\d{3})+$)/g, ".");
  for (const note of notes) {
    note.addEventListener("input", () => {
      const total = notes.reduce((all, one) => all + count(one) * Number(one.dataset.note), 0);
      sum.value = grouped(total);
    });
  }
})();
