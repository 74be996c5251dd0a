/* Elements, made without markup: no text of anybody's is ever read as HTML. */
let counter = 0;

/** An element. `props` are attributes; on… are listeners, `class`, and true/false for attributes without a value. */
export const h = (tag, props = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
};

/** The same for a drawing. */
export const svg = (tag, props = {}, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(props)) if (value !== null) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

/** A name that no other element has. */
export const id = (word) => `${word}-${(counter += 1)}`;

/** Put these elements into a box, in this order; those that stand there already are not touched, nor what is typed in
    them. */
export const arrange = (box, wanted) => {
  const kept = new Set(wanted);
  for (const child of [...box.children]) if (!kept.has(child)) child.remove();
  wanted.forEach((child, place) => {
    if (box.children[place] !== child) box.insertBefore(child, box.children[place] || null);
  });
};

/** Say something to whoever listens instead of looking. */
export const say = (words) => {
  const box = document.getElementById("said");
  box.textContent = "";
  setTimeout(() => (box.textContent = words), 50);
};
