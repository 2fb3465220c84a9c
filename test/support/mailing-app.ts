// A program of the tests: the app, and one mail that it queues when it has started.
import 'reflect-metadata';
import { createApp } from '../../src/app.setup.js';
import { Config } from '../../src/config/config.js';
import { sendMail, verification } from './mails.js';

const app = await createApp(new Config(process.env));
const { MAIL_TO: to = '', MAIL_LINK: link } = process.env;
await sendMail({ app }, verification(to, link));
process.stdout.write('queued: yes\n');
