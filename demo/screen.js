// A button that puts the screen in the page's address: what is chosen in the browser is told to the
// server, which knows the rest.

function drawScreenButton(element, data, tell) {
  if (!element.mnistButton) {
    element.mnistButton = element.appendChild(document.createElement("button"));
    element.mnistButton.type = "button";
    element.mnistButton.className = "mnist-screen";
  }
  element.mnistButton.textContent = data.label;
  element.mnistButton.onclick = () => {
    const { step, part, head, patch } = pageStore().chosen;
    const section = document.querySelector('.st-key-sections [role="radio"][aria-checked="true"]');
    tell({ step, part, head, patch, section: section?.textContent.trim() ?? null });
  };
}
