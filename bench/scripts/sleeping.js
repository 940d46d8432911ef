// Virtual users that only sleep.
import { sleep } from 'k6';

export default function () {
  sleep(5);
}
