// Every page on a phone.
import { accessible } from '../accessible.mjs'

accessible('phone')
