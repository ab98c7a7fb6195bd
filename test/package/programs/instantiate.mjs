// Instantiates an object in this process and in an executor:  instantiate.mjs OBJECT
import { compile, importFunction, instantiate } from "slablink";

const module = await compile(process.argv[2]);
const options = {
  exports: { weigh: "double weigh(int)" },
  imports: { seen: importFunction("void seen(int)", (number) => console.log(`seen ${number}`)) },
};
for (const isolated of [false, true]) {
  const instance = await instantiate(module, { ...options, isolated });
  instance.view("weights", Float64Array)[1] = 2.5;
  console.log(isolated ? "isolated" : "here", await instance.exports.weigh(4), instance.exports.weigh.sync(2));
  await instance.dispose();
}
