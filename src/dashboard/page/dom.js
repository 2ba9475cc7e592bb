/** Makes an element: its properties, then what is in it, texts or elements. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made && name !== 'list') made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Writes a text only where it changed, so that a selection stays. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export const byId = (id) => document.getElementById(id);

const colors = 8;

/** The colour of the run that came as the so-manieth, in the page's light or dark. */
export const colorOf = (index) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--run-${index % colors}`);

/** A square in the colour of a run. */
export function swatch(index) {
  const square = element('span', { className: 'swatch' });
  square.style.background = `var(--run-${index % colors})`;
  return square;
}
