// The pages work without this; it copies identifiers with one click and finds the error summary.
for (const button of document.querySelectorAll(".copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    const word = button.textContent;
    button.textContent = "✓";
    setTimeout(() => { button.textContent = word; }, 1200);
  });
}
document.querySelector(".errors")?.focus();
