// One verb of the npm package age-encryption: data on standard input, the result on standard output.
//   keygen hybrid|classic | encrypt RECIPIENT… | decrypt IDENTITY | file-key IDENTITY
//   lock PASSPHRASE | unlock PASSPHRASE | armor | dearmor
import { stdin, stdout, argv } from "node:process";
import * as age from "age-encryption";

const readAll = async () => {
  const pieces = [];
  for await (const piece of stdin) pieces.push(piece);
  return new Uint8Array(Buffer.concat(pieces));
};

const decrypter = (secret, add) => {
  const one = new age.Decrypter();
  one[add](secret);
  return one;
};

const verbs = {
  async keygen(family) {
    const make = family === "hybrid" ? age.generateHybridIdentity : age.generateX25519Identity;
    const identity = await make();
    return JSON.stringify({ identity, recipient: await age.identityToRecipient(identity) });
  },
  async encrypt(...recipients) {
    const encrypter = new age.Encrypter();
    for (const recipient of recipients) encrypter.addRecipient(recipient);
    return encrypter.encrypt(await readAll());
  },
  async decrypt(identity) {
    return decrypter(identity, "addIdentity").decrypt(await readAll());
  },
  async "file-key"(identity) {
    return decrypter(identity, "addIdentity").decryptHeader(await readAll());
  },
  async lock(passphrase) {
    const encrypter = new age.Encrypter();
    encrypter.setPassphrase(passphrase);
    encrypter.setScryptWorkFactor(10);
    return encrypter.encrypt(await readAll());
  },
  async unlock(passphrase) {
    return decrypter(passphrase, "addPassphrase").decrypt(await readAll());
  },
  async armor() {
    return age.armor.encode(await readAll());
  },
  async dearmor() {
    return age.armor.decode(new TextDecoder().decode(await readAll()));
  },
};

const [verb, ...rest] = argv.slice(2);
stdout.write(await verbs[verb](...rest));
