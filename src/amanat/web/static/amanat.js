// The pages work without this; it only copies identifiers with one click.
for (const button of document.querySelectorAll(".copy")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    const word = button.textContent;
    button.textContent = "✓";
    setTimeout(() => { button.textContent = word; }, 1200);
  });
}
