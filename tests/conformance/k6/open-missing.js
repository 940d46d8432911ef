// A file that is not there ends the run in init.
// @functions open
const never = open('./data/none.txt');

export default function () {
  console.log(never);
}
