/* Photos and files: read, and photos made small enough to be sent with the form. */
export const LARGEST = 600_000;
export const SIZE = "600 kB";
const SIDE = 1600;

const base64 = (buffer) => {
  const bytes = new Uint8Array(buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return btoa(text);
};

const picture = (data) => new Promise((resolve, reject) => {
  const image = new Image();
  image.onload = () => resolve(image);
  image.onerror = () => reject(new Error("kind"));
  image.src = data;
});

const asData = (file) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result);
  reader.onerror = () => reject(new Error("kind"));
  reader.readAsDataURL(file);
});

/** A photo drawn anew: smaller, and without what the camera wrote into it (such as the place). */
const shrink = async (file) => {
  const image = await picture(await asData(file));
  let scale = Math.min(1, SIDE / Math.max(image.naturalWidth, image.naturalHeight));
  for (let quality = 0.85; quality > 0.3; quality -= 0.15, scale *= 0.85) {
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
    canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    const preview = canvas.toDataURL("image/jpeg", quality);
    const data = preview.slice(preview.indexOf(",") + 1);
    if (data.length * 0.75 <= LARGEST) return { contentType: "image/jpeg", data, preview };
  }
  throw new Error("large");
};

/** {title, contentType, data, preview}. Throws an Error "large" or "kind". */
export const readFile = async (file) => {
  const title = file.name.slice(0, 200);
  if (file.type.startsWith("image/")) return { title, ...(await shrink(file)) };
  if (file.type !== "application/pdf") throw new Error("kind");
  if (file.size > LARGEST) throw new Error("large");
  return { title, contentType: file.type, data: base64(await file.arrayBuffer()) };
};
