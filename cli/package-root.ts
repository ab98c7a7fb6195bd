/** The directory of package.json, from `dist/cli/` where this file runs. */
export const packageRoot = new URL("../../", import.meta.url);
